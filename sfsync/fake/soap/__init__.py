"""The SOAP partner API: envelopes in and out, and a handler for each call.

The parts: `envelope` (reading requests), `xml` (writing answers), `fault` (refusals), `call` (one call with the headers
that come with it), `sobject` (records in both directions), `outcomes` (what came of each), and the calls themselves in
`session`, `reading`, `replication`, `writing`, `conversion` and `describing`.
"""
