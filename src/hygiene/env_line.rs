//! Lines of an environment: `env` output, `.env` files, `environment:` lists of Compose files. There a
//! value goes to the end of the line, blanks included. The same text in a script is a command with a
//! variable before it (`PGPASSWORD=x psql app`), and the value is one word.

/// How much of a line and of its neighbours is read, in bytes.
const MOST: usize = 512;

/// Programs that scripts start with a password in the environment.
const PROGRAMS: [&str; 34] = [
    "ansible",
    "aws",
    "bash",
    "borg",
    "createdb",
    "curl",
    "docker",
    "dropdb",
    "env",
    "exec",
    "git",
    "java",
    "make",
    "mariadb",
    "mongo",
    "mongodump",
    "mysql",
    "mysqldump",
    "node",
    "npm",
    "perl",
    "php",
    "pg_dump",
    "pg_dumpall",
    "pg_restore",
    "psql",
    "python",
    "python3",
    "rclone",
    "redis-cli",
    "restic",
    "sh",
    "ssh",
    "sudo",
];

/// Whether the value at `start`, assigned to the name at `key`, goes to the end of its line.
pub(super) fn is_whole_line(text: &[u8], key: usize, start: usize) -> bool {
    let line = &text[start..line_end(text, start)];
    let name = &text[key..start];
    let Some(name) = name.strip_suffix(b"=").filter(|name| is_name(name)) else { return false };
    let mut words = line.split(|b| *b == b' ' || *b == b'\t').filter(|word| !word.is_empty());
    let (Some(_), Some(second)) = (words.next(), words.next()) else { return false };
    let further: Vec<&[u8]> = std::iter::once(second).chain(words).collect();
    if line.iter().any(|b| b"|;&<>$`(){}\"'\\#=".contains(b)) || further.iter().any(|word| is_of_command(word)) {
        return false;
    }
    let is_program = PROGRAMS.iter().any(|program| program.as_bytes() == second);
    let is_constant = name.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_');
    let is_phrase = further.len() >= 2 && further.iter().all(|word| word.iter().all(u8::is_ascii_alphabetic));
    !is_program && (has_neighbour(text, key) || is_constant && is_phrase)
}

/// Whether a word belongs to a command line: an option, a path, an address.
fn is_of_command(word: &[u8]) -> bool {
    word.starts_with(b"-") && word.len() > 1 || word.contains(&b'/')
}

/// Whether the line before or after is an assignment without a command as well.
fn has_neighbour(text: &[u8], key: usize) -> bool {
    let start = memchr::memrchr(b'\n', &text[..key]).map_or(0, |feed| feed + 1);
    let end = line_end(text, key);
    let before = text[start.saturating_sub(MOST)..start].trim_ascii_end();
    let before = &before[memchr::memrchr(b'\n', before).map_or(0, |feed| feed + 1)..];
    let after = text.get(end + 1..).map_or(&[][..], |rest| &rest[..line_end(rest, 0)]);
    [before, after].into_iter().any(is_assignment)
}

/// `NAME=value`, also as an item of a list, without blanks in it.
fn is_assignment(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let line = line.strip_prefix(b"- ").unwrap_or(line).trim_ascii();
    let Some(equals) = memchr::memchr(b'=', line) else { return false };
    is_name(&line[..equals]) && !line[equals..].iter().any(|b| b"\"'$`;|&()".contains(b))
}

fn is_name(name: &[u8]) -> bool {
    name.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
        && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

fn line_end(text: &[u8], at: usize) -> usize {
    let reach = text.len().min(at + MOST);
    let end = memchr::memchr(b'\n', &text[at..reach]).map_or(reach, |feed| at + feed);
    if text[at..end].ends_with(b"\r") { end - 1 } else { end }
}

#[cfg(test)]
mod tests {
    use super::super::mask_str;

    #[test]
    fn a_phrase_in_an_environment_is_masked_to_the_end_of_its_line() {
        for text in [
            "POSTGRES_PASSWORD=correct horse battery staple\nHOME=/root\n",
            "PATH=/bin\r\nDB_PASSWORD=my 1st phrase!\r\n",
            "POSTGRES_PASSWORD=correct horse battery staple",
            "    environment:\n      - A=b\n      - DB_PASSWORD=correct horse battery\n",
            "    environment:\n      - DB_PASSWORD=correct horse battery\n    image: x\n",
        ] {
            let masked = mask_str(text);
            assert!(!masked.contains("horse") && !masked.contains("phrase"), "{masked}");
            assert_eq!(masked.matches('\r').count(), text.matches('\r').count(), "{masked:?}");
        }
    }

    #[test]
    fn a_command_after_a_variable_stays() {
        // Built here, or a scanner would find it in this file.
        let secret = format!("k7{}", "Wq92mVb44P");
        for (command, before) in [
            ("psql app", "PGPASSWORD="),
            ("psql -h db1.example.org app", "PGPASSWORD="),
            ("restic backup now", "A=1\nRESTIC_PASSWORD="),
            ("pg_dump app > /srv/x", "PGPASSWORD="),
            ("run me please | tee x", "MY_PASSWORD="),
        ] {
            let masked = mask_str(&format!("{before}{secret} {command}\n"));
            assert!(masked.contains(command), "{masked}");
            assert!(!masked.contains(&secret), "{masked}");
        }
    }
}
