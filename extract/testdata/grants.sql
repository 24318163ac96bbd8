-- What roagent needs to read for Example Motor Sales, Customer Services: Service-customer survey and recall completion. Not marketing.
-- These are the columns that the statements of its whitelist name (roagent fieldmap sql), and nothing else.
-- Whitelist 3399db14de1bdce9317bc368b0f19de109b3c02d11570ec1959b8a9cc2d475a9, agreement DMI-2026-017.

-- Replace <PASSWORD> by a password of your own, in quotes: N'…'. Where there is such a login, leave the statement out: as it is it cannot run.
IF SUSER_ID(N'roagent') IS NULL
    CREATE LOGIN [roagent] WITH PASSWORD = <PASSWORD>;
GO

USE [DMS];
GO

IF DATABASE_PRINCIPAL_ID(N'roagent') IS NULL
    CREATE USER [roagent] FOR LOGIN [roagent];
GO

-- dbo.RepairOrder: the repair orders
GRANT SELECT ON [dbo].[RepairOrder] ([RONumber], [OpenedAt], [ClosedAt], [MileageIn], [MileageOut], [AdvisorNo], [CustomerNo], [ROType], [UpdatedAt], [VehicleNo]) TO [roagent];
GO

-- dbo.Customer: what belongs to an order as customer
GRANT SELECT ON [dbo].[Customer] ([FirstName], [OptOut], [LastPurchase], [LastName], [Phone], [Email], [Zip], [CustomerNo]) TO [roagent];
GO

-- dbo.Vehicle: what belongs to an order as vehicle
GRANT SELECT ON [dbo].[Vehicle] ([VIN], [Make], [Model], [ModelYear], [VehicleNo]) TO [roagent];
GO

-- dbo.Job: their lines job
GRANT SELECT ON [dbo].[Job] ([RONumber], [LineNo], [OpCode], [OpName], [PayType], [LaborHours], [Complaint], [Cause], [Correction], [CampaignNo], [Amount]) TO [roagent];
GO

-- dbo.Part: their lines job.service_parts
GRANT SELECT ON [dbo].[Part] ([RONumber], [LineNo], [Seq], [PartNo], [Description], [Quantity], [Price]) TO [roagent];
GO

