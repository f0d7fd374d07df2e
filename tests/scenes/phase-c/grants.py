"""The proposal of a sealed guard as SQL, and what takes it back: grants.py FACTS.JSONL GRANTS ROLLBACK."""
import json
import sys

facts, grants, rollback = sys.argv[1:]
rows = [json.loads(line)["fact"] for line in open(facts, encoding="utf-8")]
proposal = next(row for row in rows if row["id"] == "guard_before")["values"]["proposal"]


def back(statement):
    if statement.endswith(" BYPASSRLS"):
        return statement.replace(" BYPASSRLS", " NOBYPASSRLS")
    head, _, role = statement.rpartition(" TO ")
    return head.replace("GRANT ", "REVOKE ", 1) + " FROM " + role


with open(grants, "w", encoding="utf-8") as out:
    out.write("".join(line + ";\n" for line in proposal))
with open(rollback, "w", encoding="utf-8") as out:
    out.write("".join(back(line) + ";\n" for line in reversed(proposal)))
