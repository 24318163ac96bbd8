// Package uploadtest has what tests need around a queue: orders that may leave, and a collector with faults.
package uploadtest
