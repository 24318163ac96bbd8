-- What roagent needs to read for Example Motor Sales, Customer Services: Service-customer survey and recall completion. Not marketing.
-- These views carry the rules of its whitelist: rows that it skips are not in them, values that it withholds are NULL in them.
-- The login may read the views and no table. Whitelist 3399db14de1bdce9317bc368b0f19de109b3c02d11570ec1959b8a9cc2d475a9, agreement DMI-2026-017.
-- The whitelist that reads the views is 37e48041644dc0136fbddfbcae83a47194d55e7ca8dde529b86d9591de60b4e3 (roagent fieldmap grants --views --whitelist FILE); it takes an approval of its own.
-- The script can be run again. A view of an earlier whitelist that this one does not need stays until you drop it: roagent check names it.

-- Replace <PASSWORD> by a password of your own, in quotes: N'…'. Where there is such a login, leave the statement out: as it is it cannot run.
IF SUSER_ID(N'roagent') IS NULL
    CREATE LOGIN [roagent] WITH PASSWORD = <PASSWORD>;
GO

USE [DMS];
GO

IF DATABASE_PRINCIPAL_ID(N'roagent') IS NULL
    CREATE USER [roagent] FOR LOGIN [roagent];
GO

-- Whoever may read a view reads the tables below it only where all have one owner. If the owner of the tables is not dbo, name it here;
-- where the two differ the login is refused, and can read no more than it should.
IF SCHEMA_ID(N'roagent') IS NULL
    EXEC (N'CREATE SCHEMA [roagent] AUTHORIZATION [dbo]');
GO

-- The views keep these settings. Without them a NULL would decide.
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

IF OBJECT_ID(N'[roagent].[Part]', N'V') IS NOT NULL
    DROP VIEW [roagent].[Part];
GO

IF OBJECT_ID(N'[roagent].[Job]', N'V') IS NOT NULL
    DROP VIEW [roagent].[Job];
GO

IF OBJECT_ID(N'[roagent].[Vehicle]', N'V') IS NOT NULL
    DROP VIEW [roagent].[Vehicle];
GO

IF OBJECT_ID(N'[roagent].[Customer]', N'V') IS NOT NULL
    DROP VIEW [roagent].[Customer];
GO

IF OBJECT_ID(N'[roagent].[RepairOrder]', N'V') IS NOT NULL
    DROP VIEW [roagent].[RepairOrder];
GO

-- roagent.RepairOrder: the repair orders, of dbo.RepairOrder
--   no row where ROType is I (internal work is never surveyed)
CREATE VIEW [roagent].[RepairOrder] AS
SELECT o.[RONumber],
       o.[ClosedAt],
       o.[UpdatedAt],
       o.[OpenedAt],
       o.[MileageIn],
       o.[MileageOut],
       o.[AdvisorNo],
       o.[CustomerNo],
       o.[VehicleNo]
FROM [dbo].[RepairOrder] AS o
WHERE CASE WHEN (o.[ROType] IN ('I')) THEN 1 ELSE 0 END = 0;
GO

GRANT SELECT ON [roagent].[RepairOrder] TO [roagent];
GO

-- roagent.Customer: what belongs to an order as customer, of dbo.Customer
--   no FirstName, LastName, Phone, Email where customer.OptOut is Y (the customer opted out)
--   no row that belongs to none of roagent.RepairOrder; dbo.RepairOrder should have an index on CustomerNo
CREATE VIEW [roagent].[Customer] AS
SELECT j1.[LastPurchase],
       w1.v1 AS [FirstName],
       w1.v2 AS [LastName],
       w1.v3 AS [Phone],
       w1.v4 AS [Email],
       j1.[Zip],
       j1.[CustomerNo]
FROM [dbo].[Customer] AS j1
OUTER APPLY (SELECT j1.[FirstName] AS v1, j1.[LastName] AS v2, j1.[Phone] AS v3, j1.[Email] AS v4 WHERE CASE WHEN (j1.[OptOut] IN ('Y')) THEN 1 ELSE 0 END = 0) AS w1
WHERE EXISTS (SELECT 1 FROM [roagent].[RepairOrder] AS o WHERE o.[CustomerNo] = j1.[CustomerNo]);
GO

GRANT SELECT ON [roagent].[Customer] TO [roagent];
GO

-- roagent.Vehicle: what belongs to an order as vehicle, of dbo.Vehicle
--   no row that belongs to none of roagent.RepairOrder; dbo.RepairOrder should have an index on VehicleNo
CREATE VIEW [roagent].[Vehicle] AS
SELECT j2.[VIN],
       j2.[Make],
       j2.[Model],
       j2.[ModelYear],
       j2.[VehicleNo]
FROM [dbo].[Vehicle] AS j2
WHERE EXISTS (SELECT 1 FROM [roagent].[RepairOrder] AS o WHERE o.[VehicleNo] = j2.[VehicleNo]);
GO

GRANT SELECT ON [roagent].[Vehicle] TO [roagent];
GO

-- roagent.Job: the lines job, of dbo.Job
--   no row where PayType is I (internal work)
--   no row that belongs to none of roagent.RepairOrder; dbo.RepairOrder should have an index on RONumber
CREATE VIEW [roagent].[Job] AS
SELECT l1.[RONumber],
       l1.[LineNo],
       l1.[OpCode],
       l1.[OpName],
       l1.[PayType],
       l1.[LaborHours],
       l1.[Complaint],
       l1.[Cause],
       l1.[Correction],
       l1.[CampaignNo],
       l1.[Amount]
FROM [dbo].[Job] AS l1
WHERE CASE WHEN (l1.[PayType] IN ('I')) THEN 1 ELSE 0 END = 0
  AND EXISTS (SELECT 1 FROM [roagent].[RepairOrder] AS o WHERE o.[RONumber] = l1.[RONumber]);
GO

GRANT SELECT ON [roagent].[Job] TO [roagent];
GO

-- roagent.Part: the lines job.service_parts, of dbo.Part
--   no row that belongs to none of roagent.Job; dbo.Job should have an index on RONumber, LineNo
CREATE VIEW [roagent].[Part] AS
SELECT l2.[RONumber],
       l2.[LineNo],
       l2.[Seq],
       l2.[PartNo],
       l2.[Description],
       l2.[Quantity],
       l2.[Price]
FROM [dbo].[Part] AS l2
WHERE EXISTS (SELECT 1 FROM [roagent].[Job] AS l1 WHERE l1.[RONumber] = l2.[RONumber] AND l1.[LineNo] = l2.[LineNo]);
GO

GRANT SELECT ON [roagent].[Part] TO [roagent];
GO

-- Stays in the whitelist, and what it tests stays readable: no customer.FirstName, customer.LastName, customer.Phone, customer.Email where customer.LastPurchase is older than 2 years at the end of the week (consent has lapsed): it compares times, which takes the week that is read and the DMS's time zone.
-- What the login was granted on the tables themselves, by roagent fieldmap grants; roagent check names whatever else it may read.
REVOKE SELECT ON [dbo].[RepairOrder] ([RONumber], [OpenedAt], [ClosedAt], [MileageIn], [MileageOut], [AdvisorNo], [CustomerNo], [ROType], [UpdatedAt], [VehicleNo]) FROM [roagent];
GO

REVOKE SELECT ON [dbo].[RepairOrder] FROM [roagent];
GO

REVOKE SELECT ON [dbo].[Customer] ([FirstName], [OptOut], [LastPurchase], [LastName], [Phone], [Email], [Zip], [CustomerNo]) FROM [roagent];
GO

REVOKE SELECT ON [dbo].[Customer] FROM [roagent];
GO

REVOKE SELECT ON [dbo].[Vehicle] ([VIN], [Make], [Model], [ModelYear], [VehicleNo]) FROM [roagent];
GO

REVOKE SELECT ON [dbo].[Vehicle] FROM [roagent];
GO

REVOKE SELECT ON [dbo].[Job] ([RONumber], [LineNo], [OpCode], [OpName], [PayType], [LaborHours], [Complaint], [Cause], [Correction], [CampaignNo], [Amount]) FROM [roagent];
GO

REVOKE SELECT ON [dbo].[Job] FROM [roagent];
GO

REVOKE SELECT ON [dbo].[Part] ([RONumber], [LineNo], [Seq], [PartNo], [Description], [Quantity], [Price]) FROM [roagent];
GO

REVOKE SELECT ON [dbo].[Part] FROM [roagent];
GO

