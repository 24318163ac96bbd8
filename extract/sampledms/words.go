package sampledms

type city struct {
	name, state string
	zip, area   int
}

type model struct{ wmi, maker, name string }

type part struct {
	number, name string
	cents, most  int
}

type operation struct {
	code, name, campaign            string
	tenths                          int // of an hour
	complaints, causes, corrections []string
	parts                           []part
}

// words is the vocabulary.
type words struct {
	firstNames, lastNames, streets, plates   []string
	cities                                   []city
	models                                   []model
	openings, closings, tests, internalNotes []string
	slips                                    []string // secrets in the wrong place; all are made up
	operations                               []operation
}

func newWords() *words {
	return &words{
		firstNames: []string{"James", "Mary", "Robert", "Patricia", "José", "Linda", "Wei", "Barbara", "Anh", "Susan", "Kwame", "Jessica", "Zoë", "Karen", "Daniel", "Nancy", "Omar", "Lisa", "Renée", "Priya"},
		lastNames:  []string{"Smith", "Nguyen", "Garcia", "Johnson", "O'Brien", "Lee", "Martínez", "Brown", "Patel", "Kim", "Davis", "Lopez", "Wilson", "Müller", "Chen", "Anderson", "Hernández", "Thomas", "Okafor", "Moore"},
		streets:    []string{"Main St", "Oak Ave", "Sunset Blvd", "2nd St", "Mission Rd", "Lakeview Dr", "Elm Ct", "Harbor Way", "Cedar Ln", "Foothill Blvd"},
		plates:     []string{"ABC", "KLM", "TRX", "WZP", "HJD", "NVG"},
		cities: []city{
			{"Pasadena", "CA", 91101, 626},
			{"Glendale", "CA", 91201, 818},
			{"Burbank", "CA", 91501, 818},
			{"Arcadia", "CA", 91006, 626},
			{"Alhambra", "CA", 91801, 626},
		},
		models: []model{
			{"4T1", "Toyota", "Camry"},
			{"JTD", "Toyota", "Prius"},
			{"2T3", "Toyota", "RAV4"},
			{"5TD", "Toyota", "Highlander"},
			{"5YF", "Toyota", "Corolla"},
			{"3TM", "Toyota", "Tacoma"},
		},
		openings:      []string{"C/S ", "CUST STATES ", "CUSTOMER REPORTS ", "", "C/S INTERMITTENT: "},
		closings:      []string{"", ". PLS CK & ADV", ". CK & REPORT", ", WORSE WHEN COLD", ". HAPPENS AT HWY SPEED", ". WAITER"},
		tests:         []string{". RD TEST OK", ". TEST DROVE 4 MI, OK", ". VERIFIED REPAIR", ". NO CODES RETURNED", ". TORQUED TO SPEC", ""},
		internalNotes: []string{"goodwill split with sales", "tech comeback, see foreman", "charge to used cars", "loaner not returned"},
		slips:         []string{"CUST SSN 078-05-1120 ON LOANER FORM", "CALL CUST AT 626-555-0142 WHEN DONE", "CC 4111 1111 1111 1111 FOR DEDUCTIBLE", "CELL 818-555-0173", "SSN 219-09-9999 PER WARR CO"},
		operations:    operations(),
	}
}

func operations() []operation {
	return []operation{
		{
			code: "LOF05", name: "LUBE, OIL AND FILTER", tenths: 4,
			complaints:  []string{"DUE FOR 5K SVC", "OIL CHANGE", "MAINT REQ LIGHT ON"},
			causes:      []string{"MAINT DUE BY MILEAGE", "NORMAL MAINT", "OIL LIFE EXPIRED"},
			corrections: []string{"CHANGED OIL & FILTER, SET TPMS, TOPPED FLUIDS, RESET MAINT LIGHT", "PERF 5K SVC, MPI DONE, ROTATED TIRES"},
			parts:       []part{{"90915-YZZN1", "OIL FILTER", 690, 1}, {"00279-0WQTE", "0W-20 OIL QT", 780, 6}, {"90430-12031", "GASKET, DRAIN PLUG", 120, 1}},
		},
		{
			code: "BRK20", name: "FRONT BRAKE PADS AND ROTORS", tenths: 18,
			complaints:  []string{"GRINDING NOISE WHEN BRAKING", "BRAKE PEDAL PULSATES", "SQUEAL FRT WHEN STOPPING"},
			causes:      []string{"FRT PADS 2MM, ROTORS SCORED", "FRT ROTORS BELOW MIN THICKNESS", "PADS GLAZED, HARDWARE SEIZED"},
			corrections: []string{"R&R FRT PADS & ROTORS, LUBED SLIDES, BEDDED IN", "REPLACED FRT PADS, RESURFACED ROTORS ON CAR"},
			parts:       []part{{"04465-06200", "PAD KIT, DISC BRAKE FR", 6899, 1}, {"43512-06190", "DISC, FRONT", 8950, 2}, {"04947-06070", "SHIM KIT", 2450, 1}, {"08887-80609", "GREASE, CALIPER", 890, 1}},
		},
		{
			code: "ELE10", name: "BATTERY TEST AND REPLACE", tenths: 5,
			complaints:  []string{"NO START THIS AM, JUMPED", "CRANKS SLOW", "DASH LIGHTS FLICKER AT START"},
			causes:      []string{"BATT FAILED LOAD TEST, 212 CCA OF 582", "TERMINALS CORRODED, BATT 5 YRS OLD"},
			corrections: []string{"REPLACED BATT, CLEANED TERMINALS, CHARGING 14.2V", "R&R BATT, REGISTERED, CLEARED DTC U0100"},
			parts:       []part{{"00544-24060-582", "BATTERY, TRUESTART", 16995, 1}, {"28885-0H030", "PROTECTOR", 450, 2}},
		},
		{
			code: "SUS31", name: "FRONT LOWER CONTROL ARM", tenths: 24,
			complaints:  []string{"CLUNK OVER BUMPS FRT L", "VEH PULLS TO RIGHT", "TIRE WEAR INNER EDGE"},
			causes:      []string{"LH LCA BUSHING TORN", "LOWER BALL JOINT PLAY 3MM", "TOE OUT OF SPEC DUE TO WORN BUSHING"},
			corrections: []string{"R&R LH LCA, SET ALIGNMENT TO SPEC", "REPLACED BOTH LCA ASSY, 4-WHEEL ALIGNMENT"},
			parts:       []part{{"48069-06150", "ARM SUB-ASSY, FR LWR LH", 18240, 1}, {"48068-06150", "ARM SUB-ASSY, FR LWR RH", 18240, 1}, {"90105-A0091", "BOLT", 410, 4}},
		},
		{
			code: "HVC02", name: "A/C DIAGNOSIS", tenths: 10,
			complaints:  []string{"A/C BLOWS WARM", "MUSTY SMELL FROM VENTS", "A/C NOISE ON START"},
			causes:      []string{"SYS LOW 0.4 LB, DYE AT CONDENSER", "CABIN FILTER PLUGGED WITH LEAVES", "BLOWER MOTOR BEARING DRY"},
			corrections: []string{"EVAC & RECHARGE, VENT TEMP 41F", "REPLACED CABIN FILTER, TREATED EVAP", "R&R BLOWER MOTOR"},
			parts:       []part{{"87139-YZZ08", "FILTER, CABIN AIR", 2195, 1}, {"87103-07030", "MOTOR SUB-ASSY, BLOWER", 14120, 1}},
		},
		{
			code: "SSC22V", name: "SAFETY RECALL: LOW-PRESSURE FUEL PUMP", campaign: "22TA03", tenths: 21,
			complaints:  []string{"RECALL NOTICE RECEIVED", "OPEN CAMPAIGN 22TA03"},
			causes:      []string{"FUEL PUMP IN AFFECTED RANGE", "IMPELLER MAY CRACK, PER BULLETIN"},
			corrections: []string{"REPLACED LOW PRESSURE FUEL PUMP PER CAMPAIGN", "PERF 22TA03, LEAK CHECK OK"},
			parts:       []part{{"77024-06450", "PUMP ASSY, FUEL", 0, 1}, {"77169-52010", "GASKET, FUEL SUCTION", 0, 1}},
		},
	}
}
