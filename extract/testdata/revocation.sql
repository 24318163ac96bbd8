-- Takes away what roagent was given to read for Example Motor Sales, Customer Services.
-- Whitelist 3399db14de1bdce9317bc368b0f19de109b3c02d11570ec1959b8a9cc2d475a9, agreement DMI-2026-017.

USE [DMS];
GO

REVOKE SELECT ON [dbo].[RepairOrder] ([RONumber], [OpenedAt], [ClosedAt], [MileageIn], [MileageOut], [AdvisorNo], [CustomerNo], [ROType], [UpdatedAt], [VehicleNo]) FROM [roagent];
GO

REVOKE SELECT ON [dbo].[Customer] ([FirstName], [OptOut], [LastPurchase], [LastName], [Phone], [Email], [Zip], [CustomerNo]) FROM [roagent];
GO

REVOKE SELECT ON [dbo].[Vehicle] ([VIN], [Make], [Model], [ModelYear], [VehicleNo]) FROM [roagent];
GO

REVOKE SELECT ON [dbo].[Job] ([RONumber], [LineNo], [OpCode], [OpName], [PayType], [LaborHours], [Complaint], [Cause], [Correction], [CampaignNo], [Amount]) FROM [roagent];
GO

REVOKE SELECT ON [dbo].[Part] ([RONumber], [LineNo], [Seq], [PartNo], [Description], [Quantity], [Price]) FROM [roagent];
GO

DROP USER [roagent];
GO

-- Leave this out where the login serves anything else. It fails while somebody is signed in with it.
DROP LOGIN [roagent];
GO

