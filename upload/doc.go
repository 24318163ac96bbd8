// Package upload keeps what was read until the collector has it, provably.
//
// [Queue] stores sealed batches and the pull's checkpoint in one bbolt transaction, [Sender] sends them until it
// holds a receipt that verifies, and the ledger remembers what left. Package upload takes nothing but
// [fieldmap.Record] values and never looks at the DMS.
package upload
