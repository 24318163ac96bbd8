package sampledms

import (
	"cmp"
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	_ "modernc.org/sqlite" // the driver of CreateFile

	"roagent/fieldmap"
)

// Whitelist is a fieldmap.yaml that fits the sample DMS.
//
//go:embed fieldmap.yaml
var Whitelist string //nolint:gochecknoglobals // an embedded file

// The values of forbidden columns: canary is in every text of them, and every amount of them is canaryAmount.
const (
	canary       = "CANARY"
	canaryAmount = "8675309.99"
)

// Canaries returns texts of which one is part of every value of a forbidden column, and of no other value.
func Canaries() []string { return []string{canary, "8675309"} }

// Forbidden returns the columns that must never leave.
func Forbidden() []string {
	return []string{
		"Customer.SSN", "Customer.BankAccount", "Customer.CreditLimit", "Vehicle.LeasePayment",
		"RepairOrder.InternalNotes", "RepairOrder.GLAccount", "Job.GLAccount", "Part.DealerCost",
	}
}

// Options say what is made. Zero values mean the defaults. All times are wall clocks, of whatever zone.
type Options struct {
	First         fieldmap.Week // in which orders are closed, and the
	Weeks         int           // weeks from it on: 1
	OrdersPerWeek int           // 600
	Seed          uint64
}

// CreateFile makes the sample DMS as a new SQLite file.
func CreateFile(ctx context.Context, path string, o Options) (err error) {
	db, err := openFile(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return Create(ctx, db, "sqlite", o)
}

func openFile(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return nil, fmt.Errorf("open the sample DMS %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// Create makes the tables and fills them, in one transaction. The dialect is sqlite or sqlserver. Rows are made as they
// are written: a million orders take no more memory than one.
func Create(ctx context.Context, db *sql.DB, dialect string, o Options) error {
	o.OrdersPerWeek = cmp.Or(o.OrdersPerWeek, 600)
	o.Weeks = cmp.Or(o.Weeks, 1)
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("make the sample DMS: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing; before, its cause is what counts
	for _, statement := range ddl(dialect) {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("make the sample DMS: %s: %w", strings.SplitN(statement, "(", 2)[0], err)
		}
	}
	w := &writer{ctx: ctx, tx: tx, dialect: dialect}
	if err := w.fill(o); err != nil {
		return fmt.Errorf("fill the sample DMS: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("make the sample DMS: %w", err)
	}
	return nil
}

// ddl returns the statements that make the tables. What SQL Server calls dbo.Job is Job in SQLite.
func ddl(dialect string) []string {
	prefix := ""
	if dialect == "sqlserver" {
		prefix = "dbo."
	}
	var statements []string
	clustered := "" // as SQL Server's tables are by their primary keys
	if dialect == "sqlite" {
		clustered = " WITHOUT ROWID"
	}
	for _, t := range tables() {
		statements = append(statements, "CREATE TABLE "+prefix+t.name+" ("+strings.Join(t.columns, ", ")+", "+t.primary+")"+clustered)
	}
	return append(statements,
		"CREATE INDEX ix_RepairOrder_ClosedAt ON "+prefix+"RepairOrder (ClosedAt)",
		"CREATE INDEX ix_Job_PayType ON "+prefix+"Job (PayType)")
}

// tableSpec is one table: its columns with their types, in the order in which rows are written.
type tableSpec struct {
	name    string
	columns []string
	primary string
}

func tables() []tableSpec {
	return []tableSpec{
		{"Customer", []string{
			"CustomerNo INT NOT NULL", "FirstName NVARCHAR(40)", "LastName NVARCHAR(40)", "Street NVARCHAR(60)", "City NVARCHAR(40)",
			"State CHAR(2)", "Zip VARCHAR(10)", "Phone VARCHAR(20)", "Email VARCHAR(80)", "OptOut CHAR(1)", "LastPurchase DATE",
			"SSN VARCHAR(30)", "BankAccount VARCHAR(30)", "CreditLimit MONEY",
		}, "PRIMARY KEY (CustomerNo)"},
		{"Vehicle", []string{
			"VehicleNo INT NOT NULL", "VIN CHAR(17)", "Make VARCHAR(20)", "Model VARCHAR(30)", "ModelYear INT", "Plate VARCHAR(10)",
			"LeasePayment MONEY",
		}, "PRIMARY KEY (VehicleNo)"},
		{"RepairOrder", []string{
			"RONumber VARCHAR(12) NOT NULL", "ROType CHAR(1)", "OpenedAt DATETIME", "ClosedAt DATETIME", "UpdatedAt DATETIME", "MileageIn INT",
			"MileageOut INT", "CustomerNo INT", "VehicleNo INT", "AdvisorNo VARCHAR(8)", "InternalNotes VARCHAR(200)", "GLAccount VARCHAR(30)",
		}, "PRIMARY KEY (RONumber)"},
		{"Job", []string{
			"RONumber VARCHAR(12) NOT NULL", "[LineNo] INT NOT NULL", "OpCode VARCHAR(12)", "OpName VARCHAR(60)", "PayType CHAR(1)", "LaborHours DECIMAL(6,2)",
			"Complaint VARCHAR(2000)", "Cause VARCHAR(2000)", "Correction VARCHAR(2000)", "CampaignNo VARCHAR(12)", "Amount DECIMAL(12,2)", "GLAccount VARCHAR(30)",
		}, "PRIMARY KEY (RONumber, [LineNo])"},
		{"Part", []string{
			"RONumber VARCHAR(12) NOT NULL", "[LineNo] INT NOT NULL", "Seq INT NOT NULL", "PartNo VARCHAR(20)", "Description VARCHAR(60)", "Quantity DECIMAL(8,2)",
			"Price DECIMAL(12,2)", "DealerCost MONEY",
		}, "PRIMARY KEY (RONumber, [LineNo], Seq)"},
	}
}
