package fieldmap

import "strings"

// starTree is the part of STAR's RepairOrder that is sent: the path of each value from the order's root. Lists have
// [] at their end.
const starTree = `
repair_order_header.document_id
repair_order_header.dealer_party.party_id
repair_order_header.repair_order_opened_date_time
repair_order_header.repair_order_completed_date_time
repair_order_header.repair_order_invoice_date_time
repair_order_header.repair_order_status
repair_order_header.ro_type
repair_order_header.payer_type
repair_order_header.department_type
repair_order_header.in_distance_measure
repair_order_header.out_distance_measure
repair_order_header.service_advisor_party.party_id
repair_order_header.order_notes
repair_order_header.customer_data_protection_statement
repair_order_header.owner_party.party_id
repair_order_header.owner_party.specified_person.given_name
repair_order_header.owner_party.specified_person.family_name
repair_order_header.owner_party.specified_person.contact_method_type_code
repair_order_header.owner_party.specified_person.residence_address.line_one
repair_order_header.owner_party.specified_person.residence_address.city_name
repair_order_header.owner_party.specified_person.residence_address.state_or_province_country_sub_division_id
repair_order_header.owner_party.specified_person.residence_address.postcode
repair_order_header.owner_party.specified_person.telephone_communication.complete_number
repair_order_header.owner_party.specified_person.uri_communication.uri_id
repair_order_header.owner_party.specified_organization.company_name
repair_order_header.owner_party.privacy.privacy_indicator
repair_order_header.owner_party.privacy.privacy_type_string
repair_order_header.repair_order_vehicle_line_item.vehicle.vehicle_id
repair_order_header.repair_order_vehicle_line_item.vehicle.make_string
repair_order_header.repair_order_vehicle_line_item.vehicle.model
repair_order_header.repair_order_vehicle_line_item.vehicle.model_year
repair_order_header.repair_order_vehicle_line_item.license_number_string
repair_order_header.repair_order_vehicle_line_item.delivery_distance_measure
job[]
job.job_number_string
job.operation_id
job.operation_name
job.job_type_string
job.bill_to_party_type
job.job_status_code
job.labor_allowance_hours_numeric
job.labor_actual_hours_numeric
job.codes_and_comments_expanded.complaint_code
job.codes_and_comments_expanded.complaint_description
job.codes_and_comments_expanded.cause_code
job.codes_and_comments_expanded.cause_description
job.codes_and_comments_expanded.correction_description
job.codes_and_comments_expanded.technician_notes
job.service_technician_party.party_id
job.service_campaign.campaign_number_string
job.pricing.price.charge_amount
job.service_labor[]
job.service_labor.labor_operation_id
job.service_labor.labor_operation_description
job.service_labor.labor_actual_hours_numeric
job.service_labor.labor_allowance_hours_numeric
job.service_labor.pricing.price.charge_amount
job.service_parts[]
job.service_parts.item_id
job.service_parts.item_id_description
job.service_parts.item_quantity
job.service_parts.pricing.price.charge_amount
job.splits[]
job.splits.splits_type_code
job.splits.customer_percent
job.splits.warranty_percent
job.splits.internal_percent
`

// NotSTAR returns the sent paths that are not in STAR's tree, such as job.colour, in the whitelist's order. They are
// sent all the same; a recipient that knows only STAR will not understand them.
func (w *Whitelist) NotSTAR() []string {
	star := map[string]bool{}
	for name := range strings.FieldsSeq(starTree) {
		star[name] = true
	}
	var others []string
	var walk func(prefix string, fields []Field, lists []Lines)
	walk = func(prefix string, fields []Field, lists []Lines) {
		for _, f := range fields {
			if path := prefix + f.Send; !star[path] {
				others = append(others, path)
			}
		}
		for _, l := range lists {
			path := prefix + l.Send
			if !star[path+"[]"] {
				others = append(others, path)
			}
			walk(path+".", l.Fields, l.Lines)
		}
	}
	walk("", w.Orders.Fields, w.Orders.Lines)
	return others
}
