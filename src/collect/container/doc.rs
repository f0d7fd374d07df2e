//! The documentation of `container`.

use super::super::{Doc, Setting};

pub(super) static DOC: Doc = Doc {
    name: "container",
    summary: "a container by `docker inspect` or `podman inspect`: state, health, image by digest, mounts, networks, ports",
    detail: "Runs `inspect` for the container and for its image, nothing else. Of the environment only the names are \
             kept, never a value; command, labels and the log of the health check are not kept at all. The \
             image's digests are those of its registry, where it came from one; Podman makes one up for an \
             image that came from none. `image.id` is the digest of the image's own configuration. Which engine \
             is asked follows from `DOCKER_HOST`, `DOCKER_CONTEXT`, `docker context use`, `CONTAINER_HOST` and \
             `CONTAINER_CONNECTION`: its endpoint is part of the plan and of its digest, and `reached` repeats it. \
             Podman on this machine is asked through the socket of its API service \
             (`systemctl start podman.socket`): without it, `podman` writes even to look, and the sandbox \
             forbids that. That no container has the name is a value (`exists: false`); a client that is not \
             there, or a service that does not answer, is an absence. `running` says that the process lives, not \
             that it answers.",
    needs_target: false,
    settings: &[
        Setting { name: "name", kind: "text", required: true, meaning: "the container's name or id" },
        Setting {
            name: "via",
            kind: "text (docker)",
            required: false,
            meaning: "`docker`, `podman`, `ssh:HOST/docker` or `ssh:HOST/podman`",
        },
    ],
    values: &[
        ("exists", "whether there is such a container"),
        ("name", "its name"),
        ("id", "its id, 64 hexadecimal digits"),
        ("state", "`created`, `running`, `paused`, `restarting`, `exited`, `dead`, …"),
        ("running", "whether its first process runs: not while it is paused, or waits to be restarted"),
        ("started_at", "when it was last started, RFC 3339 UTC"),
        ("finished_at", "when it last ended, RFC 3339 UTC"),
        ("exit_code", "the exit code of its last end; missing while it runs or is paused"),
        ("oom_killed", "whether the kernel ended it for want of memory"),
        ("restart_count", "how often it was started again by itself"),
        ("restart_policy", "`no`, `always`, `unless-stopped`, `on-failure`"),
        ("health", "`healthy`, `unhealthy`, `starting`; missing without a health check, and while it does not run"),
        ("health_failing_streak", "how many health checks failed in a row"),
        ("image.name", "the image as the container was started with it"),
        ("image.id", "SHA-256 of the image's configuration"),
        (
            "image.digests",
            "the image's digests in its registries, `name@sha256:…`; Podman makes one up for an image that came from none",
        ),
        ("mounts", "type, source, destination, read_only of each"),
        ("networks", "the names of its networks"),
        ("network_mode", "`default`, `bridge`, `host`, `none`, …"),
        ("ports", "published ports: container_port, host_ip, host_port"),
        ("exposed", "ports that it names and that are not published"),
        ("environment_names", "the names of its environment variables, never their values"),
        ("privileged", "whether it has all the rights of the host's root"),
        ("read_only_root", "whether its own root file system is read-only"),
        ("user", "the user it was told to run as"),
        ("reached.engine", "the endpoint of the engine that was asked, e.g. `unix:///var/run/docker.sock`"),
        ("reached.host_key", "over `ssh`: the host key that was seen and found in known_hosts, type and SHA-256"),
    ],
    example: "- id: database_container\n  uses: container\n  with: { name: postgres, via: docker }\n",
};
