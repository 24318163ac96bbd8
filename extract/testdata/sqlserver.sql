-- keys of a week, first page
SELECT TOP (@p1) o.[RONumber], o.[UpdatedAt]
FROM [dbo].[RepairOrder] AS o
WHERE o.[ClosedAt] >= @p2
  AND o.[ClosedAt] < @p3
  AND o.[RONumber] IS NOT NULL
  AND CASE WHEN (o.[ROType] IN (@p4)) THEN 1 ELSE 0 END = 0
ORDER BY o.[RONumber]
--   how many keys a page has
--   the week's start, Monday 00:00 at the dealer
--   the week's end, Monday 00:00 at the dealer
--   "I", a ROType

-- keys of a week, next page
SELECT TOP (@p1) o.[RONumber], o.[UpdatedAt]
FROM [dbo].[RepairOrder] AS o
WHERE o.[ClosedAt] >= @p2
  AND o.[ClosedAt] < @p3
  AND o.[RONumber] IS NOT NULL
  AND CASE WHEN (o.[ROType] IN (@p4)) THEN 1 ELSE 0 END = 0
  AND o.[RONumber] >= @p5
ORDER BY o.[RONumber]
--   how many keys a page has
--   the week's start, Monday 00:00 at the dealer
--   the week's end, Monday 00:00 at the dealer
--   "I", a ROType
--   RONumber of the last key of the page before

-- orders
SELECT o.[RONumber],
       o.[OpenedAt],
       o.[ClosedAt],
       o.[MileageIn],
       o.[MileageOut],
       o.[AdvisorNo],
       o.[CustomerNo],
       w1.v1,
       CASE WHEN (j1.[OptOut] IN (@p1)) OR (j1.[LastPurchase] < @p2) THEN 1 ELSE 0 END,
       w1.v2,
       w1.v3,
       w1.v4,
       j1.[Zip],
       j2.[VIN],
       j2.[Make],
       j2.[Model],
       j2.[ModelYear]
FROM [dbo].[RepairOrder] AS o
LEFT JOIN [dbo].[Customer] AS j1 ON j1.[CustomerNo] = o.[CustomerNo]
LEFT JOIN [dbo].[Vehicle] AS j2 ON j2.[VehicleNo] = o.[VehicleNo]
OUTER APPLY (SELECT j1.[FirstName] AS v1, j1.[LastName] AS v2, j1.[Phone] AS v3, j1.[Email] AS v4 WHERE CASE WHEN (j1.[OptOut] IN (@p1)) OR (j1.[LastPurchase] < @p2) THEN 1 ELSE 0 END = 0) AS w1
WHERE o.[ClosedAt] >= @p3
  AND o.[ClosedAt] < @p4
  AND CASE WHEN (o.[ROType] IN (@p5)) THEN 1 ELSE 0 END = 0
  AND o.[RONumber] IN (@p6, @p7, @p8, @p9, @p10, @p11, @p12, @p13, @p14, @p15)
--   "Y", a customer.OptOut
--   the week's end less 2 years
--   the week's start, Monday 00:00 at the dealer
--   the week's end, Monday 00:00 at the dealer
--   "I", a ROType
--   from @p6 on: RONumber of up to 2000 orders, in lists of fixed lengths (here 10), a short one filled up with its last

-- job
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
WHERE CASE WHEN (l1.[PayType] IN (@p1)) THEN 1 ELSE 0 END = 0
  AND l1.[RONumber] IN (@p2, @p3, @p4, @p5, @p6, @p7, @p8, @p9, @p10, @p11)
ORDER BY l1.[RONumber], l1.[LineNo]
--   "I", a PayType
--   from @p2 on: RONumber of up to 2000 orders, in lists of fixed lengths (here 10), a short one filled up with its last

-- job.service_parts
SELECT l2.[RONumber],
       l2.[LineNo],
       l2.[Seq],
       l2.[PartNo],
       l2.[Description],
       l2.[Quantity],
       l2.[Price]
FROM [dbo].[Job] AS l1
JOIN [dbo].[Part] AS l2 ON l2.[RONumber] = l1.[RONumber] AND l2.[LineNo] = l1.[LineNo]
WHERE CASE WHEN (l1.[PayType] IN (@p1)) THEN 1 ELSE 0 END = 0
  AND l1.[RONumber] IN (@p2, @p3, @p4, @p5, @p6, @p7, @p8, @p9, @p10, @p11)
ORDER BY l2.[RONumber], l2.[LineNo], l2.[Seq]
--   "I", a PayType
--   from @p2 on: RONumber of up to 2000 orders, in lists of fixed lengths (here 10), a short one filled up with its last

-- orders of a week
SELECT s.n, COUNT(*)
FROM (SELECT CASE WHEN (o.[ROType] IN (@p1)) THEN 0 WHEN o.[RONumber] IS NULL THEN -1 ELSE -2 END AS n
FROM [dbo].[RepairOrder] AS o
WHERE o.[ClosedAt] >= @p2
  AND o.[ClosedAt] < @p3) AS s
WHERE s.n IS NOT NULL
GROUP BY s.n
ORDER BY s.n
--   "I", a ROType
--   the week's start, Monday 00:00 at the dealer
--   the week's end, Monday 00:00 at the dealer

-- skipped job of a week
SELECT s.n, COUNT(*)
FROM (SELECT CASE WHEN (l1.[PayType] IN (@p1)) THEN 0 END AS n
FROM [dbo].[RepairOrder] AS o
JOIN [dbo].[Job] AS l1 ON l1.[RONumber] = o.[RONumber]
WHERE o.[ClosedAt] >= @p2
  AND o.[ClosedAt] < @p3
  AND CASE WHEN (o.[ROType] IN (@p4)) THEN 1 ELSE 0 END = 0) AS s
WHERE s.n IS NOT NULL
GROUP BY s.n
ORDER BY s.n
--   "I", a PayType
--   the week's start, Monday 00:00 at the dealer
--   the week's end, Monday 00:00 at the dealer
--   "I", a ROType

