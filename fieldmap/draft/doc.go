// Package draft guesses a whitelist from a database's catalogue: which tables hold repair orders, their jobs, parts, customers
// and vehicles, how they are linked, and what of them a person would want to send.
//
// It is a pure function. It sees names, types, keys, foreign keys and indexes, and never a row: what the dealer did not
// list is never read, and before there is a whitelist nothing is listed.
package draft
