-- A DMS of several stores, well kept: composite keys and foreign keys.
CREATE TABLE Store (StoreID INT NOT NULL PRIMARY KEY, StoreName VARCHAR(40));
CREATE TABLE Customer (CustomerID INT NOT NULL PRIMARY KEY, FirstName VARCHAR(40), LastName VARCHAR(40), CompanyName VARCHAR(60), HomePhone VARCHAR(20), EmailAddress VARCHAR(80), AddressLine1 VARCHAR(60),
  City VARCHAR(40), State VARCHAR(2), ZipCode VARCHAR(10), DoNotContact BIT, SSN VARCHAR(11), DateOfBirth DATE);
CREATE TABLE Vehicle (VehicleID INT NOT NULL PRIMARY KEY, VIN VARCHAR(17) NOT NULL, Make VARCHAR(20), Model VARCHAR(20), ModelYear INT, PlateNumber VARCHAR(10), LeaseEndDate DATE, OwnerID INT REFERENCES Customer (CustomerID));
CREATE TABLE RepairOrder (StoreID INT NOT NULL REFERENCES Store (StoreID), RONumber INT NOT NULL, OpenedAt DATETIME, ClosedAt DATETIME, InvoicedAt DATETIME, UpdatedAt DATETIME, Status VARCHAR(8), ROType VARCHAR(2),
  AdvisorID INT, CustomerID INT REFERENCES Customer (CustomerID), VehicleID INT REFERENCES Vehicle (VehicleID), MileageIn INT, MileageOut INT, Department VARCHAR(8), Comments VARCHAR(400), TotalAmount DECIMAL(12,2),
  PRIMARY KEY (StoreID, RONumber));
CREATE INDEX ix_closed ON RepairOrder (ClosedAt);
CREATE TABLE RepairOrderHistory (StoreID INT NOT NULL, RONumber INT NOT NULL, OpenedAt DATETIME, ClosedAt DATETIME, Status VARCHAR(8), ROType VARCHAR(2), AdvisorID INT, CustomerID INT, VehicleID INT, MileageIn INT, MileageOut INT,
  PRIMARY KEY (StoreID, RONumber));
CREATE TABLE RepairOrderJob (StoreID INT NOT NULL, RONumber INT NOT NULL, JobNumber INT NOT NULL, OperationCode VARCHAR(12), OperationDescription VARCHAR(60), PayType VARCHAR(2), JobStatus VARCHAR(2),
  Complaint VARCHAR(400), Cause VARCHAR(400), Correction VARCHAR(400), TechnicianID INT, ActualHours DECIMAL(8,2), AllowedHours DECIMAL(8,2), LaborAmount DECIMAL(12,2), CampaignCode VARCHAR(12),
  PRIMARY KEY (StoreID, RONumber, JobNumber), FOREIGN KEY (StoreID, RONumber) REFERENCES RepairOrder (StoreID, RONumber));
CREATE TABLE RepairOrderPart (StoreID INT NOT NULL, RONumber INT NOT NULL, JobNumber INT NOT NULL, LineNumber INT NOT NULL, PartNumber VARCHAR(20), PartDescription VARCHAR(60), Quantity DECIMAL(8,2), Price DECIMAL(12,2),
  PRIMARY KEY (StoreID, RONumber, JobNumber, LineNumber), FOREIGN KEY (StoreID, RONumber, JobNumber) REFERENCES RepairOrderJob (StoreID, RONumber, JobNumber));
CREATE TABLE SalesDeal (DealID INT NOT NULL PRIMARY KEY, CustomerID INT REFERENCES Customer (CustomerID), VehicleID INT REFERENCES Vehicle (VehicleID), ClosedAt DATETIME, APR DECIMAL(6,3), AmountFinanced DECIMAL(12,2));
INSERT INTO Store VALUES (1, 'MAIN');
INSERT INTO Customer VALUES (7, 'CANARY', 'CANARY', 'CANARY', 'CANARY', 'CANARY', 'CANARY', 'CANARY', 'CA', 'CANARY', 1, 'CANARY', '1970-01-01');
INSERT INTO Vehicle VALUES (3, '1HGCM82633A004352', 'HONDA', 'ACCORD', 2003, 'CANARY', '2027-01-01', 7);
INSERT INTO RepairOrder VALUES (1, 1001, '2026-11-09T08:00:00', '2026-11-10T16:00:00', '2026-11-10T16:30:00', '2026-11-10T17:00:00', 'CLOSED', 'CP', 11, 7, 3, 1000, 1004, 'SVC', 'CANARY', 8675309.99);
INSERT INTO RepairOrder VALUES (1, 1002, '2026-11-09T08:00:00', '2026-11-10T16:00:00', '2026-11-10T16:30:00', '2026-11-10T17:00:00', 'CLOSED', 'I', 11, 7, 3, 1000, 1004, 'SVC', 'CANARY', 8675309.99);
INSERT INTO RepairOrderJob VALUES (1, 1001, 1, 'LOF', 'OIL CHANGE', 'C', 'D', 'OIL DUE', 'TIME', 'CHANGED OIL', 21, 0.50, 0.40, 8675309.99, 'R26');
INSERT INTO RepairOrderPart VALUES (1, 1001, 1, 1, '15400-PLM', 'FILTER', 1.00, 8675309.99);
