package class

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// forbiddenNames are spellings that databases of dealerships use for what must not leave, by their kind.
const forbiddenNames = `
a social security, tax or other government number:
SSN CustSSN CUSTSSN custssn CustSsn SSNo SSNum SSN# SSNbr SS_NO S_S_N SSN1 SSN_LAST4 SSNLast4 BuyerSSN CoBuyerSSN COBUYERSSN EmpSSN EMPSSN OwnerSSN
SpouseSSN GuarantorSSN SocSecNo SocSec SOC_SEC_NBR SOCSECNO SocialSecurityNumber SocialSecNum SocialSecurity Soc_Sec_Num SOCSEC# TaxID TaxId TAXID
TAX_ID_NO CustTaxID FedTaxID FEDTAXID TaxIDNumber TaxNo TaxpayerID FEIN FEIN_NO FeinNbr EIN EINNo EmployerEIN FederalID FedIDNo ITIN TIN VendorTIN SIN SIN_NO
SocialInsNo SocialInsuranceNumber PassportNo NationalID GSTNumber VATNo SSNHash SSNX MSTRSSN BNSS# BNSSNO CUSSN
a driver's licence:
DL_NO DLNo DLNum DLNUM dlno DL# DLNbr DLN DL CustDL CustDLNo BuyerDLNum DLState DL_ST DLExp DLExpDate DLClass DrvLic DrvLicNo DRVLICNO DRVRLIC
DriverLic DriversLicense DriverLicenceNo DriversLicNum DRIVERSLICENSENO DrLicNo DRLIC OperatorLicense OLN LicenseNo LicenseNumber LicNo LICNO LIC_NBR LicenseState
LicExp LicenseExpDate Customer_License CUSTLICNO OwnerLicNo Licence BNDLNO BNDL# CSDRVLIC
a birth date:
DOB CustDOB CUSTDOB D_O_B D.O.B. DOBDate DateOfBirth DATEOFBIRTH BirthDate BIRTHDT BirthDt BrthDt BRTHDT BthDate BDAY BDate B_DATE BDATE Birthday BirthYear BIRTHMO
BirthMonth BirthPlace YearBorn BuyerDOB SpouseDOB BNBDATE BNDOB CUBIRTHDT
lease data:
LeasePmt LSEPMT LsePmt LSE_PMT LeasePayment Lease LeaseNo LeaseEndDt LeaseTerm IsLeased Lessee LessorName LEASECO MoneyFactor Residual ResidualAmt ResidVal CapCost
loan or lien data:
APR APRRate AmtFinanced AMTFINANCED AmountFinanced LienHolder LIENHOLDER LienHldr LIENHLDR LienDate Lien1Name LoanBal LOANBAL LoanNo LoanPmt LoanAmt LN_BAL LnPmt LoanTerm
Payoff PayoffAmt PAY_OFF TradePayoff FinanceCo FINCO FinCharge FIN_AMT FinanceCompany FinanceSource InterestRate IntRate INTRATE BuyRate DownPmt DownPayment CashDown MonthlyPmt
MoPmt BalloonPmt Lender LenderName Mortgage FloorPlan FloorplanDt Repossessed PrincipalBal FirstPmtDate
bank data:
BankAcct BankAccount BANKACCT BankName BankRouting BnkAcctNo IBAN CustIBAN ABA ABANo ABA_NUM RoutingNo ROUTINGNO RtgNo RoutingNumber ACHAcct ACH_ROUTING SwiftCode BIC MICR
CheckingAcct SavingsAcctNo DirectDeposit DirDepAcct EFTNo TransitNo DDA
a payment card:
CCNum CCNUM CC_NO CCNo CC# CCExp CC_EXP_DT CCType CCLast4 CCName CCHolder CCAuth CardNo CARDNO CardNum CardNumber CrdNo CardExp CardExpDate CardType CardHolder CardholderName
CardLast4 CardToken CreditCardNo CREDITCARD CrCardNo DebitCard CVV CVV2 CVC PAN PaymentCardNo AmexNo Card
credit data:
CrLimit CRLIMIT CreditLimit CREDITLIMIT CreditLmt CR_LMT CreditScore CREDITSCORE CrScore CreditRating CreditBureau CreditAppNo CreditApplication CreditLine LineOfCredit CreditHold CreditTerms
CreditHistory FICO FicoScore FICO_SCR BeaconScore Equifax ExperianScore CreditBal CreditAvailable Bankruptcy CustCredit Credit
payroll data:
Payroll PayrollNo PAYROLLID PyrlNo EmpWage Wage Wages HourlyWage Salary EmpSalary AnnualSalary PayRate TechPayRate Paycheck GrossPay NetPay OTPay PayPeriod CommissionAmt Commission CommAmt
CommRate Garnishment Garnish Withholding FICA W2Wages Ded401K YTDEarnings Spiff
a general-ledger or other account:
GLAcct GL_ACCT_NO GLACCT GLACCTNO GLAccount GLAcctNo GLNo GLCode GL GLCoAcct SalesGLAcct GeneralLedger LedgerAcct LEDGERNO ChartOfAccounts COA SaleAcct SalesAcct CostAcct InvAcct InvtyAcct
ARAcct APAccount WIPAcct ExpenseAcct CashAcct ControlAcct AcctCode AcctNo ACCTNO Acct AccountNo AccountNumber ACCT_NBR Acct# Account GTACCT GMACCT# GLACCT1
a password or another secret:
Pwd PWD Passwd UserPwd USERPWD Password PASSWORD CustPassword PswdHash PwdHash OLDPASSWD Passcode PassPhrase PIN PINNo PinCode CustPin UserPIN WebPin Secret ApiKey API_KEY AccessToken AuthToken
RefreshToken SecurityQuestion SecAnswer SecurityAnswer MotherMaiden MaidenName Credentials PrivateKey
`

func TestForbiddenNames(t *testing.T) {
	table := NewTable()
	kind, names := "", 0
	for line := range strings.Lines(forbiddenNames) {
		if named, ok := strings.CutSuffix(strings.TrimSpace(line), ":"); ok {
			kind = named
			continue
		}
		for name := range strings.FieldsSeq(line) {
			names++
			f := table.Of(Name{"dbo", "Table1", name})
			if !f.Forbidden() {
				t.Errorf("%s is %s, want forbidden: %s", name, f.Class, kind)
			} else if f.Kind != kind {
				t.Errorf("%s is %s, want %s", name, f, kind)
			}
		}
	}
	if names < 150 {
		t.Errorf("%d names", names)
	}
}

// harmlessNames are columns that a whitelist may well name, many of them close to a forbidden one.
const harmlessNames = `
PTRO# PTINV# PTPART PTCUST# PTCNAM PTVIN PTSWID PTCKEY SDLINE SDTECH SDLHRS SDCDAT IMSTK# IMVIN GTCTL# RONumber RONo RO_NUM ROType ROStatus RODate OpenDate ClosedAt UpdatedAt InvoiceNo InvoiceDate InvDt PromisedDate PromiseTime AppointmentNo AppId StoreNo ShopNo DealerNo DlrNo DLRNO DLRCD
DealerCode Dept DeptNo Division Region RegionCd Company CompanyNo CoNo Location LocCode BranchNo AdvisorNo AdvisorID SvcAdvisor WriterNo TechNo TechID TechName TechnicianNo TechHrs EmpNo EmployeeNo
EmpName UserID UserName CreatedBy CreatedDt CrDate CrUser CrBy ModBy ModDt LineNo LINENO LineNbr LineType LineStatus Seq SeqNo JobNo JobType OpCode OPCODE OpDesc OperationNo LaborOp LaborType LaborRate LaborHrs
LaborAmt LaborCost LaborSale LaborSellRate FlatRateHrs ActualHrs BilledHours SoldHrs ClockIn ClockOut TimeCardNo TimeCardType Complaint Cause Correction ComplaintCode CauseCode FailCode Notes Comments
Story Narrative PayType PayTypeCd PayCode PayMethod PaymentMethod PaymentType PmtType Payer PayerType BillTo BillCode ChargeType ChargeAmt ChargeCode
PartNo PARTNO PartNbr PartDesc PartQty QtySold QtyOrd Quantity BinNo Source SourceCode PriceCode Price ListPrice UnitPrice UnitCost CoreCharge CoreCredit CoreReturn RestockFee
DiscountAmt DiscountPct Discount TaxCode TaxRate TaxAmt TaxExempt TaxExemptNo TaxTotal SalesTax StateTax ShopSupplies HazMat MiscAmt SubletAmt SubletVendor PONo PoNumber VendorNo VendorName
Total TotalAmt SubTotal GrandTotal GrossProfit GROSSNET NetAmt AmountDue AmtPaid Deductible DedAmt WarrantyNo WarrantyCode ClaimNo ClaimType ClaimAmt CampaignNo RecallNo BulletinNo ContractNo PolicyNo
CustNo CUSTNO CustomerNo CustomerID CustAcctNo CustomerAccountNo CustName CustType CustStatus CustSince FirstName LastName MiddleName FullName NameSuffix Title Salutation CompanyName BusinessName BUSINESSNAME BusinessNo Contact
Address AddressNo ADDRESS1 Address2 Street City State StateCode StateID County Country Zip ZipCode PostalCode Phone HomePhone WorkPhone CellPhone CellNo Mobile Fax FaxNo Email EmailAddr PrefContact
Language OptOut OptIn DoNotCall DoNotMail DNC EmailConsent PrivacyFlag Unsubscribed LastPurchase LastVisit LastService LastContactDt AccountManager AccountName AccountType AccountRep AccountId
VIN Vin17 VehicleNo VehicleId VehNo StockNo StockNbr UnitNo FleetNo FleetAcctNo Make MakeCode Model ModelCode ModelYear ModelNo MY Trim TrimGL ModelGL Series BodyStyle Color ExtColor IntColor InteriorTrim Engine EngineNo EngineCC
Transmission DriveTrain DriveType Driveline KeyCode KeyNo IgnitionKey RadioCode RadioSecurityCode PlateNo Plate LicensePlate LicensePlateNo LicPlate LICPLATE PlateState LicTag TagNo LicensePlateExp VehLicNo VehicleLicenseNo RegNo RegistrationNo RegExpDt
DealerLicenseNo BusinessLicense Odometer OdoIn OdoOut MileageIn MileageOut Miles KM DeliveryDt DlvDate InServiceDt SoldDate SaleDate SaleType Cylinders CylBank Bank1Sensor OxygenSensorBank2 FuelType
CardinalDir CardinalDirection Discard Cardboard Postcard WildcardFlag RewardCardNo LoyaltyCardNo WarrantyCardNo KeyCardNo Accordion
Release RELEASE RELEASED ReleaseNo RELEASEDT ReleasedBy RELEASEPO Please Class ClassCode Classification CLASSNO Glass GLASS GlassType Global GlobalId Glue Glove Pinion PinionSeal PinStripe Pins Spindle Spin Pinch OpinionCode
Accountability Accounting AccountingDate AcctgDate Accessory AccessCode Accent Client ClientNo CLIENTID Alien Salient Resilient Loaner LoanerNo LoanerCar LoanCarNo LoanVehicleNo Payload Payable
Credits CreditMemoNo CreditHrs PartsCredit CreditReason CreditedQty Accredited Script Describe Crate CRT Cruise CrashCode Cross
Finish FinishDt FinDt Final FinalInspection FindingCode Fine Definition Apron AprQty AprSales AprilSales APR_SOLD MarQty Apricot Wagon Wagering StageNo VoltageIn Sewage
SocketSize SocialMedia Society SecondaryPhone SectionNo SecNo Sector SecurityAlarm AlarmType Session Single SinceDt Singular Tint TintLevel Tinted Einspritzung Vein VEINNO Protein
Title Titled Assn ASSN AssnCode Association Assembly Lesson MissionNo Session PassFail PassengerSide BypassValve CompassDir Birch Berth
Routing RoutingSlip RouteNo Router ReturnNo RtnQty Swift SwiftModel Abacus Abatement Achieved Machine MachineNo Ibanez Transit InTransitNo Beach Teacher Debit_Memo
Adobe Dobbin DLRDate DownloadCnt DLCount Dial Dlv IDLE IdleHrs Bundle Paddle Handling CcEmail CC_Addr Accel CCCode Occupant Ledge Leaf Leash Holder CupHolder HolderNo
PartPinNo KingPinNo RollPinNumber Residue Residence Resident Interior InterestArea Interval Intake Mortar Banner Embankment Borne Newborne Coach Coat Coal
Earned EarnedHrs Compensator Communication CommType CommMethod Comment CommentNo Commercial Tenure Term Terminal Terms Rate RateCode Rating RatingCode SurveyScore Score CSIScore
`

func TestHarmlessNames(t *testing.T) {
	table := NewTable()
	names := 0
	for name := range strings.FieldsSeq(harmlessNames) {
		names++
		if f := table.Of(Name{"dbo", "Table1", name}); f.Forbidden() {
			t.Errorf("%s is taken for %s", name, f)
		}
	}
	if names < 150 {
		t.Errorf("%d names", names)
	}
}

func TestWhereANameStands(t *testing.T) {
	table := NewTable()
	for name, want := range map[string]string{
		"dbo.Customer.LicenseNo":  `a driver's licence ("License No")`,
		"dbo.Vehicle.LicenseNo":   "vehicle",
		"dbo.VEHICLES.LICNO":      "vehicle",
		"dbo.Vehicle.DrvLicNo":    `a driver's licence ("Drv Lic")`,
		"dbo.Payroll.Amount":      `payroll data ("Payroll")`,
		"dbo.CreditCard.Number":   `a payment card ("Credit Card")`,
		"gl.Detail.Amount":        `a general-ledger or other account ("gl")`,
		"dbo.LeaseContract.No":    `lease data ("Lease")`,
		"dbo.Loan.VehicleNo":      "vehicle",
		"owner_party.tax.id":      `a social security, tax or other government number ("tax id")`,
		"CUSTssn":                 `a social security, tax or other government number ("ssn")`,
		"Cust Soc.Sec. #":         `a social security, tax or other government number ("Soc Sec")`,
		"dbo.Service.pin":         `a password or another secret ("pin")`,
		"dbo.Service.PIN_KEY_TXT": "work",
	} {
		if got := table.Of(Name(strings.Split(name, "."))).String(); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// A whitelist adds names and takes none away: what it forbids is forbidden, and what the table forbids stays so.
func TestAdd(t *testing.T) {
	table := NewTable()
	table.Add(Forbidden, "LienRef")
	table.Add(Forbidden, "dbo.Customer.Alias")
	table.Add(Forbidden, "Nickname")
	table.Add(Identity, "AdvisorNo")
	table.Add(Vehicle, "CustSSN")
	for name, want := range map[string]Finding{
		"dbo.Customer.Alias":        {Forbidden, ByWhitelist, []string{"dbo", "Customer", "Alias"}},
		"dbo.Vehicle.Alias":         {Class: Vehicle, Words: []string{"Vehicle"}},
		"dbo.Customer.CustNickname": {Forbidden, ByWhitelist, []string{"Nickname"}},
		"dbo.Customer.NICK_NAME":    {Forbidden, ByWhitelist, []string{"NICK_NAME"}},
		"dbo.Customer.LIENREF":      {Forbidden, ByWhitelist, []string{"LIENREF"}},
		"dbo.RO.AdvisorNo":          {Class: Identity, Words: []string{"Advisor", "No"}},
		"dbo.RO.CustSSN":            {Forbidden, "a social security, tax or other government number", []string{"SSN"}},
		"dbo.RO.Paid":               {Class: Money, Words: []string{"Paid"}},
	} {
		if diff := cmp.Diff(want, table.Of(Name(strings.Split(name, ".")))); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

// Any of a thing's names may show that it is forbidden, whatever the others and the whitelist say.
func TestForbiddenByAnyName(t *testing.T) {
	table := NewTable()
	table.Add(Vehicle, "harmless")
	for _, names := range [][]Name{{{"harmless"}, {"dbo", "T", "CustSSN"}}, {{"ssn"}, {"dbo", "T", "harmless"}}} {
		if f := table.Of(names...); !f.Forbidden() {
			t.Errorf("%v is %s", names, f)
		}
	}
	if f := table.Of(Name{"job", "harmless"}, Name{"dbo", "T", "Phone"}); f.Class != Vehicle {
		t.Errorf("got %s", f.Class)
	}
}

func TestClasses(t *testing.T) {
	table := NewTable()
	for name, want := range map[string]Class{
		"vehicle.vehicle_id": Vehicle, "out_distance_measure": Vehicle, "vehicle_line_item.license_number_string": Vehicle,
		"specified_person.telephone_communication.complete_number": Contact, "residence_address.postcode": Contact,
		"specified_person.given_name": Identity, "owner_party.party_id": Identity, "pricing.price.charge_amount": Money,
		"privacy.privacy_indicator": Consent, "customer_data_protection_statement": Consent, "job_number_string": Work,
		"OptOut": Consent, "DoNotCall": Consent, "CustomerNo": Identity, "PartNo": Work, "LaborAmt": Money, "": Work,
	} {
		if got := table.Of(Name(strings.Split(name, "."))).Class; got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func FuzzOf(f *testing.F) {
	table := NewTable()
	for _, seed := range []string{"CustSSN", "dbo.Vehicle.LicenseNo", "S_S_N", "整備指示書", "#", "..", "LSEPMT1", "Iıſß", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		found := table.Of(Name(strings.Split(name, ".")))
		for _, w := range found.Words {
			if !strings.Contains(squeezed(name), strings.ToLower(w)) {
				t.Errorf("%q: the word %q is not in it", name, w)
			}
		}
		if found.Forbidden() != (found.Kind != "") {
			t.Errorf("%q: %s of kind %q", name, found.Class, found.Kind)
		}
		if with := table.Of(Name{name, "SSN"}); !with.Forbidden() {
			t.Errorf("%q hides an SSN", name)
		}
	})
}
