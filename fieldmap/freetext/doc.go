// Package freetext finds secrets in what people type: social security numbers, payment cards, bank accounts, driver's
// licences, e-mail addresses, telephone numbers and dates of birth, as they stand in the notes of a workshop.
//
// A number is a secret by what it proves (Luhn's digit, mod 97, the way it is grouped) or by the word beside it (SSN, DL,
// DOB, call). What a workshop writes itself must stay: VINs, order and part numbers, op codes, mileages, trouble codes.
package freetext
