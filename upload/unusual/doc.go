// Package unusual compares a week of a store with that store's own weeks: it finds what came through well and looks wrong all the same,
// as 4 orders where there are 120 in others, a field that turned empty, or orders of one kind of payer only.
//
// It knows nothing but counts ([roagent/fieldmap.Profile]), and nobody's figures but the store's. The yardstick is the median of the
// weeks before: half of them had more, half less, so that a few odd weeks move it little. How much weeks differ is the median of
// their distances from it (MAD), times 1.4826, which for ordinary noise is its standard deviation. Where weeks are few or all alike that is too
// small to be true, so it is never taken for less than what chance alone does to a count.
//
// A finding takes both: far more than the store's noise, and far off as such, so that a holiday week or a busy one is none. It says
// nothing before there are [MinHistory] weeks. A whitelist that skips or sends something else makes weeks differ, too: then the finding is
// true, and has a cause that is known.
//
// Of 216,000 weeks of 2,000 simulated stores, 5 to 400 orders each, with seasons, holidays of two to four working days, growth and noise above
// chance, 154 (0.07 %) had a finding, though nothing was wrong with them (TestFalseAlarms); of the faults put into such weeks, at stores of
// forty orders and more, 99 % were found (TestFaultsAreFound). The stores are drawn, not real: real ones may be wilder.
package unusual
