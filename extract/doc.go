// Package extract reads a dealer's DMS, and nothing of it but what the whitelist lists.
//
// [Open] connects, [DMS.Bind] holds the whitelist's [fieldmap.Plan] against the schema, [Reader.Begin] starts one
// consistent read, and a [Reading] gives a week's orders page by page: first a page of keys, then the orders of exactly
// those keys with their lists, each level by one statement. All SQL is compiled from the plan alone, so [Statements]
// can print it without a DMS, and no column that the whitelist leaves out has a way into it.
//
// What the driver or the server says is not repeated in errors where it may quote a row: see [DatabaseError].
package extract
