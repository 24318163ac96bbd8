// Package fleet is the page on which a maker's operations see all their stores: which are in, which are late and why, which look
// green but are wrong. It only reads. See DESIGN.md.
package fleet
