"""Three ways to the one fake org: in-process, through `responses`, and over TLS; plus a proxy for hard-coded hosts."""
