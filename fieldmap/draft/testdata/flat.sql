-- A DMS with one wide table of orders: customer and vehicle stand in each of them. No foreign keys.
CREATE TABLE RepairOrders (
  RO_Number VARCHAR(12) NOT NULL PRIMARY KEY, Open_Date DATETIME, Close_Date DATETIME, Invoice_Date DATETIME, Promised_Date DATETIME, Status VARCHAR(2), RO_Type VARCHAR(2),
  Service_Advisor VARCHAR(8), Mileage_In INT, Mileage_Out INT, VIN VARCHAR(17), Make VARCHAR(20), Model VARCHAR(20), Model_Year INT, License_Plate VARCHAR(10),
  Customer_Number INT, First_Name VARCHAR(40), Last_Name VARCHAR(40), Address VARCHAR(60), City VARCHAR(40), State VARCHAR(2), Zip VARCHAR(10), Home_Phone VARCHAR(20), Email VARCHAR(80),
  Birth_Date DATE, Drivers_License VARCHAR(20), GL_Account VARCHAR(10), Credit_Limit DECIMAL(12,2), Total_Amount DECIMAL(12,2), Opt_Out VARCHAR(1), Internal_Notes VARCHAR(400));
CREATE INDEX ix_close ON RepairOrders (Close_Date);
CREATE TABLE RO_Labor_Lines (
  RO_Number VARCHAR(12) NOT NULL, Line_Number INT NOT NULL, Op_Code VARCHAR(12), Op_Description VARCHAR(60), Pay_Type VARCHAR(2), Complaint VARCHAR(400), Cause VARCHAR(400), Correction VARCHAR(400),
  Technician VARCHAR(8), Actual_Hours DECIMAL(8,2), Flat_Hours DECIMAL(8,2), Labor_Amount DECIMAL(12,2), Labor_Cost DECIMAL(12,2), PRIMARY KEY (RO_Number, Line_Number));
CREATE TABLE RO_Part_Lines (
  RO_Number VARCHAR(12) NOT NULL, Line_Number INT NOT NULL, Seq_No INT NOT NULL, Part_Number VARCHAR(20), Part_Description VARCHAR(60), Quantity DECIMAL(8,2), Unit_Price DECIMAL(12,2),
  PRIMARY KEY (RO_Number, Line_Number, Seq_No));
CREATE TABLE Parts_Inventory (Part_Number VARCHAR(20) NOT NULL PRIMARY KEY, Part_Description VARCHAR(60), Quantity DECIMAL(8,2), Bin VARCHAR(8), Cost DECIMAL(12,2), Price DECIMAL(12,2));
CREATE TABLE Vehicle_Sales (Deal_Number INT NOT NULL PRIMARY KEY, VIN VARCHAR(17), Sale_Date DATETIME, Close_Date DATETIME, Customer_Number INT, Amount_Financed DECIMAL(12,2), Lien_Holder VARCHAR(40));
CREATE TABLE Employees (Employee_Number INT NOT NULL PRIMARY KEY, First_Name VARCHAR(40), Last_Name VARCHAR(40), SSN VARCHAR(11), Pay_Rate DECIMAL(8,2));
INSERT INTO RepairOrders VALUES ('R1', '2026-11-09T08:00:00', '2026-11-10T16:00:00', '2026-11-10T16:30:00', '2026-11-10T17:00:00', 'C', 'S', 'SA1', 1000, 1004, '1HGCM82633A004352', 'HONDA', 'ACCORD', 2003, 'ABC123',
  71, 'CANARY', 'CANARY', 'CANARY', 'CANARY', 'CA', 'CANARY', 'CANARY', 'CANARY', '1970-01-01', 'CANARY', 'CANARY', 8675309.99, 8675309.99, 'N', 'CANARY');
INSERT INTO RepairOrders VALUES ('R2', '2026-11-11T08:00:00', '2026-11-11T16:00:00', '2026-11-11T16:30:00', '2026-11-11T17:00:00', 'C', 'I', 'SA2', 2000, 2004, '1HGCM82633A004353', 'HONDA', 'CIVIC', 2010, 'ABC124',
  72, 'CANARY', 'CANARY', 'CANARY', 'CANARY', 'CA', 'CANARY', 'CANARY', 'CANARY', '1970-01-01', 'CANARY', 'CANARY', 8675309.99, 8675309.99, 'N', 'CANARY');
INSERT INTO RO_Labor_Lines VALUES ('R1', 1, 'LOF', 'OIL CHANGE', 'C', 'OIL DUE', 'TIME', 'CHANGED OIL', 'T9', 0.50, 0.40, 8675309.99, 8675309.99);
INSERT INTO RO_Labor_Lines VALUES ('R1', 2, 'BRK', 'BRAKES', 'I', 'SQUEALS', 'WORN', 'REPLACED', 'T9', 1.50, 1.40, 8675309.99, 8675309.99);
INSERT INTO RO_Part_Lines VALUES ('R1', 1, 1, '15400-PLM', 'FILTER', 1.00, 8675309.99);
