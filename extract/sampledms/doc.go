// Package sampledms makes a believable dealer's database: repair orders with jobs and parts, customers and vehicles,
// internal work, opt-outs, workshop shorthand, and columns that must never leave. The demo shows it; tests and
// benchmarks read it.
//
// The same options always make the same rows. The columns that must never leave hold values that can be told from all
// others: see [Canaries].
package sampledms
