package draft

import (
	"fmt"
	"strconv"
	"strings"
)

// Role is what a table is for.
type Role string

// The roles, in the order in which people are asked about them.
const (
	Orders   Role = "orders"
	Jobs     Role = "job"
	Parts    Role = "parts"
	Customer Role = "customer"
	Vehicle  Role = "vehicle"
)

// Roles returns all roles.
func Roles() []Role { return []Role{Orders, Jobs, Parts, Customer, Vehicle} }

// tablePatterns are the names of tables: how many points the words are worth. The points of a table's columns come to them.
const tablePatterns = `
orders: 3.5 ro header, 3 ro, 2 order header, 1 order, 1 invoice, 0.5 header
job: 3 ro job, 3 ro line, 3 ro operation, 3 ro labor, 3 ro detail, 2.5 job, 2.5 operation, 2.5 labor, 1.5 line, 1 detail
parts: 3.5 ro part, 3 job part, 2.5 part, 2 part line, 1 item
customer: 3 customer, 1.5 owner, 1 name
vehicle: 3 vehicle, 2 vin
`

// against are words in the names of tables that are something else, and the points that they cost.
const against = `2.5 history, 4 temporary, 3 catalog, 3 sale, 2 promise, 2 status, 2 type, 2 code, 1.5 note, 1 internal, 3 employee, 2 campaign, 2 warranty, 2 address, 2 phone, 2 email, 2 department, 1.5 change`

// targets are what a draft looks for: the role of the table, the sent name, what kinds of value it may be (T text, N number,
// D date), what else the field says, and why it is sent. Below, how well words in a column's name show it, of 100.
const targets = `
orders repair_order_header.document_id TN key | names the visit
	100 ro number, 95 ro, 88 order number, 75 invoice number, 70 ro id, 66 document number, 62 number, 55 ro key, 50 order id
orders repair_order_header.repair_order_completed_date_time D week | date of the visit: its week is the order's
	100 close date, 98 ro close date, 90 close, 70 close time, 60 final date
orders repair_order_header.repair_order_invoice_date_time D | when the order was invoiced
	100 invoice date, 85 invoice, 55 ro date
orders repair_order_header.repair_order_opened_date_time D | when the car came in
	100 open date, 92 ro open date, 88 open, 72 in date, 66 ro date, 58 date in, 55 date
orders repair_order_header.repair_order_status T | whether the order is closed
	100 ro status, 95 status
orders repair_order_header.ro_type T skip | what kind of order it is
	100 ro type, 85 type, 70 order class, 60 ro class
orders repair_order_header.payer_type T | who paid
	100 pay type, 70 pay code
orders repair_order_header.department_type TN | which department did the work
	100 department, 95 department code, 90 department number
orders repair_order_header.in_distance_measure N unit | recall and wear studies
	100 mileage in, 96 km in
orders repair_order_header.out_distance_measure N unit | recall and wear studies
	100 mileage out, 96 km out, 85 mileage, 80 km
orders repair_order_header.service_advisor_party.party_id TN | who took the order in
	100 advisor, 98 advisor number, 96 advisor id, 94 advisor code, 70 advisor employee, 70 advisor employee number
orders repair_order_header.order_notes T narrative off | what was noted of the order
	90 note, 85 ro note, 70 note text
orders repair_order_header.repair_order_vehicle_line_item.vehicle.vehicle_id T | recall completion
	100 vin, 98 vehicle vin, 98 vin number
vehicle repair_order_header.repair_order_vehicle_line_item.vehicle.vehicle_id T | recall completion
	100 vin, 98 vin number, 70 vehicle id number
vehicle repair_order_header.repair_order_vehicle_line_item.vehicle.make_string T | which make it is
	100 make, 98 vehicle make, 96 make code, 90 make description, 88 make name
vehicle repair_order_header.repair_order_vehicle_line_item.vehicle.model T | which model it is
	100 model, 98 vehicle model, 94 model code, 90 model description, 88 model name
vehicle repair_order_header.repair_order_vehicle_line_item.vehicle.model_year NT | which model year it is
	100 model year, 92 year, 92 vehicle year
vehicle repair_order_header.repair_order_vehicle_line_item.license_number_string T off | tells the car apart, as the VIN does already
	100 plate, 98 plate number
customer repair_order_header.owner_party.party_id TN hash off | tells two visits of one customer apart
	100 customer number, 95 customer id, 90 customer, 88 customer code, 80 owner number, 75 owner id
customer repair_order_header.owner_party.specified_person.given_name T | survey
	100 given, 95 customer given
customer repair_order_header.owner_party.specified_person.family_name T | survey
	100 family, 98 last customer name, 90 last, 90 customer name, 85 name, 80 owner name
customer repair_order_header.owner_party.specified_organization.company_name T | survey
	95 company name, 80 company
customer repair_order_header.owner_party.specified_person.telephone_communication.complete_number TN | survey call
	100 phone, 98 phone number, 94 phone home
customer repair_order_header.owner_party.specified_person.uri_communication.uri_id T | survey by e-mail
	100 email, 98 email address
customer repair_order_header.owner_party.specified_person.residence_address.line_one T | recall letter
	100 address, 95 customer address, 92 address line
customer repair_order_header.owner_party.specified_person.residence_address.city_name T | recall letter
	100 city
customer repair_order_header.owner_party.specified_person.residence_address.state_or_province_country_sub_division_id T | recall letter
	95 state
customer repair_order_header.owner_party.specified_person.residence_address.postcode TN | recall letter
	100 zip, 96 zip code
job job_number_string TN line | names the job
	100 line number, 98 job number, 96 line, 92 job, 90 line id, 88 line seq, 86 seq, 84 seq number, 82 operation number, 80 line code, 70 operation line
job operation_id T | what was done
	100 operation code, 92 operation, 88 labor code, 84 operation id, 76 job code, 74 labor operation, 74 operation number, 60 code
job operation_name T | what was done
	100 operation description, 97 operation name, 92 labor description, 90 job description, 88 description, 70 line description, 66 labor text, 55 text
job job_type_string T | what kind of work it was
	100 job type, 88 operation type, 80 labor type, 75 line type
job bill_to_party_type T skip | who paid
	100 pay type, 92 pay, 84 pay code, 70 charge type, 66 job pay, 60 type
job job_status_code T | whether the job was done
	100 job status, 95 status, 95 line status
job labor_actual_hours_numeric N | how long the work took
	100 actual hours, 94 actual time, 90 tech hours, 82 labor hours, 76 hours, 74 actual labor hours
job labor_allowance_hours_numeric N | how long the work may take
	100 allowed hours, 96 allowed labor hours, 92 allowed time, 84 allowed
job codes_and_comments_expanded.complaint_description T narrative | what the customer noticed
	100 complaint, 98 complaint description, 98 complaint text, 94 complaint note
job codes_and_comments_expanded.complaint_code T | what the customer noticed
	100 complaint code
job codes_and_comments_expanded.cause_description T narrative | what was wrong
	100 cause, 98 cause description, 98 cause text, 94 cause note
job codes_and_comments_expanded.cause_code T | what was wrong
	100 cause code
job codes_and_comments_expanded.correction_description T narrative | what was done
	100 correction, 98 correction description, 98 correction text, 94 correction note, 80 story, 78 tech story
job codes_and_comments_expanded.technician_notes T narrative off | what the technician noted
	95 tech note
job service_technician_party.party_id TN | who did the work
	100 tech, 98 tech number, 98 tech id, 96 tech code, 75 tech employee number, 70 employee number
job service_campaign.campaign_number_string TN | recall completion
	100 campaign number, 98 campaign, 96 campaign code, 94 campaign id
job pricing.price.charge_amount N currency | cost of ownership
	95 labor amount, 94 amount, 90 labor sale, 88 labor price, 84 price, 80 charge, 70 sale, 70 sale amount
parts item_id T | recall parts
	100 part number, 96 item number, 94 part, 90 part id, 90 part code, 84 item, 80 item code, 76 number
parts item_id_description T | which part it is
	100 part description, 97 description, 95 part name, 92 item description, 70 name, 60 text
parts item_quantity N | how many
	100 quantity, 96 part quantity, 94 quantity sale, 92 quantity out
parts pricing.price.charge_amount N currency | cost of ownership
	95 price, 94 amount, 92 price amount, 88 part price, 80 sale, 80 sale amount
`

// target is something that a draft looks for.
type target struct {
	role     Role
	send     string
	kinds    string
	options  string
	why      string
	patterns []pattern
}

func (t *target) is(option string) bool { return strings.Contains(" "+t.options+" ", " "+option+" ") }

// pattern is words and what they are worth.
type pattern struct {
	worth float64
	words []string
}

// readPatterns reads "100 ro number, 95 ro".
func readPatterns(text string) []pattern {
	var patterns []pattern
	for entry := range strings.SplitSeq(text, ",") {
		words := strings.Fields(entry)
		worth, err := strconv.ParseFloat(words[0], 64)
		if err != nil {
			panic(fmt.Sprintf("draft: the pattern %q begins with no number", entry)) // a constant's
		}
		patterns = append(patterns, pattern{worth, words[1:]})
	}
	return patterns
}

func readTargets() []*target {
	var all []*target
	for line := range strings.Lines(targets) {
		if strings.HasPrefix(line, "\t") {
			last := all[len(all)-1]
			last.patterns = append(last.patterns, readPatterns(strings.TrimSpace(line))...)
			continue
		}
		head, why, _ := strings.Cut(strings.TrimSpace(line), " | ")
		if words := strings.Fields(head); len(words) > 2 {
			all = append(all, &target{role: Role(words[0]), send: words[1], kinds: words[2], options: strings.Join(words[3:], " "), why: why})
		}
	}
	return all
}

func readTablePatterns() map[Role][]pattern {
	all := map[Role][]pattern{}
	for line := range strings.Lines(tablePatterns) {
		if role, text, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			all[Role(role)] = readPatterns(text)
		}
	}
	return all
}
