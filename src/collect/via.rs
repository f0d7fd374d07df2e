//! Where a client or a small reading program runs: here, in a container, behind `ssh`, or both. Builds argument lists, never
//! a shell line; only `ssh` hands its words to a remote shell, so there each word is quoted. Names
//! are checked so that none of them can be taken for an option.

use super::transport::{Transport, over_ssh};

/// A place where a program can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::collect) struct Via {
    host: Option<String>,
    container: Option<Container>,
}

/// A running container and the program that reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Container {
    engine: &'static str,
    name: String,
}

impl Via {
    /// Reads `local`, `docker:NAME`, `podman:NAME`, `ssh:HOST` or `ssh:HOST/docker:NAME`.
    pub(in crate::collect) fn parse(text: &str) -> Result<Self, String> {
        if text == "local" {
            return Ok(Self { host: None, container: None });
        }
        if let Some(rest) = text.strip_prefix("ssh:") {
            let (host, container) = match rest.split_once('/') {
                Some((host, inner)) => (host, Some(Container::parse(inner)?)),
                None => (rest, None),
            };
            if !is_host(host) {
                return Err("via: ssh: wants a host (letters, digits, `.`, `-`, `_`, `:`, `user@`)".to_owned());
            }
            // One colon before a port; an IPv6 address has more.
            if host.matches(':').count() == 1 {
                return Err("via: ssh: takes no port: give the host a name and a `Port` in ssh_config".to_owned());
            }
            return Ok(Self { host: Some(host.to_owned()), container });
        }
        Container::parse(text).map(|container| Self { host: None, container: Some(container) })
    }

    /// The program and its arguments that run `words` there, standard input passed on.
    pub(in crate::collect) fn command(&self, words: &[String]) -> Vec<String> {
        let mut inner = Vec::new();
        if let Some(Container { engine, name }) = &self.container {
            inner.extend([*engine, "exec", "-i", name].map(str::to_owned));
        }
        inner.extend_from_slice(words);
        over_ssh(self.host.as_deref(), &inner)
    }

    /// The way there, ready to be used.
    pub(in crate::collect) fn transport(&self) -> Transport {
        Transport::new(self.host.as_deref(), self.container.as_ref().map(|container| container.engine))
    }

    /// The way to a host, for programs that are asked there themselves: `engine`, if it is one.
    pub(in crate::collect) fn transport_to(&self, engine: Option<&'static str>) -> Transport {
        Transport::new(self.host.as_deref(), engine)
    }

    /// Whether a program runs on this machine itself.
    pub(in crate::collect) fn is_local(&self) -> bool {
        self.host.is_none() && self.container.is_none()
    }
}

impl Container {
    fn parse(text: &str) -> Result<Self, String> {
        let (engine, name) = text.split_once(':').unwrap_or((text, ""));
        let engine = ["docker", "podman"].into_iter().find(|known| *known == engine);
        let engine =
            engine.ok_or("via: is `local`, `docker:NAME`, `podman:NAME`, `ssh:HOST` or `ssh:HOST/docker:NAME`")?;
        let inside = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(inside) {
            return Err(format!("via: {engine}: wants a container's name (letters, digits, `_`, `.`, `-`)"));
        }
        Ok(Self { engine, name: name.to_owned() })
    }
}

fn is_host(host: &str) -> bool {
    let begins = |part: &str| part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    // What follows the user is handed on by `ssh` as a word of its own, e.g. to a ProxyCommand.
    host.split('@').all(begins) && host.chars().all(|c| c.is_ascii_alphanumeric() || "_.:@-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(via: &str) -> String {
        let words = ["psql", "-d", "host=/run/pg user='a b'"].map(str::to_owned);
        Via::parse(via).unwrap().command(&words).join("|")
    }

    #[test]
    fn builds_argument_lists_without_a_shell() {
        assert_eq!(command("local"), "psql|-d|host=/run/pg user='a b'");
        assert_eq!(command("docker:pg-1"), "docker|exec|-i|pg-1|psql|-d|host=/run/pg user='a b'");
        assert_eq!(command("podman:pg"), "podman|exec|-i|pg|psql|-d|host=/run/pg user='a b'");
    }

    #[test]
    fn quotes_each_word_for_the_remote_shell() {
        let ssh = format!("{}|", super::super::transport::SSH.join("|"));
        let psql = r"psql|-d|'host=/run/pg user='\''a b'\'''";
        assert_eq!(command("ssh:ops@db.example.org"), format!("{ssh}ops@db.example.org|--|{psql}"));
        assert_eq!(command("ssh:db/docker:pg"), format!("{ssh}db|--|docker|exec|-i|pg|{psql}"));
    }

    #[test]
    fn nothing_can_pass_for_an_option_or_a_command() {
        for via in [
            "",
            "remote",
            "docker:",
            "docker:-v",
            "docker:a b",
            "docker:a;b",
            "ssh:",
            "ssh:-oProxyCommand=x",
            "ssh:u@-oProxyCommand",
            "ssh:u@",
            "ssh:a b",
            "ssh:h/psql",
            "ssh:h/docker:--privileged",
            "ssh:$(x)",
            "ssh:db.example.org:2222",
            "lxc:pg",
            "LOCAL",
        ] {
            assert!(Via::parse(via).is_err(), "{via}");
        }
    }
}
