-- keys of a week, first page
SELECT +o."RONumber", +o."UpdatedAt"
FROM "main"."RepairOrder" AS o
WHERE o."ClosedAt" >= ?2
  AND o."ClosedAt" < ?3
  AND o."RONumber" IS NOT NULL
  AND CASE WHEN ((o."ROType" IN (?4) OR o."ROType" COLLATE RTRIM IN (?4))) THEN 1 ELSE 0 END = 0
ORDER BY o."RONumber"
LIMIT ?1
--   how many keys a page has
--   the week's start, Monday 00:00 at the dealer
--   the week's end, Monday 00:00 at the dealer
--   "I", a ROType

-- keys of a week, next page
SELECT +o."RONumber", +o."UpdatedAt"
FROM "main"."RepairOrder" AS o
WHERE +o."ClosedAt" >= ?2
  AND +o."ClosedAt" < ?3
  AND o."RONumber" IS NOT NULL
  AND CASE WHEN ((o."ROType" IN (?4) OR o."ROType" COLLATE RTRIM IN (?4))) THEN 1 ELSE 0 END = 0
  AND o."RONumber" >= ?5
ORDER BY o."RONumber"
LIMIT ?1
--   how many keys a page has
--   the week's start, Monday 00:00 at the dealer
--   the week's end, Monday 00:00 at the dealer
--   "I", a ROType
--   RONumber of the last key of the page before

-- orders
SELECT +o."RONumber",
       +o."OpenedAt",
       +o."ClosedAt",
       +o."MileageIn",
       +o."MileageOut",
       +o."AdvisorNo",
       +o."CustomerNo",
       CASE WHEN ((j1."OptOut" IN (?1) OR j1."OptOut" COLLATE RTRIM IN (?1))) OR (j1."LastPurchase" < ?2) THEN NULL ELSE j1."FirstName" END,
       CASE WHEN ((j1."OptOut" IN (?1) OR j1."OptOut" COLLATE RTRIM IN (?1))) OR (j1."LastPurchase" < ?2) THEN 1 ELSE 0 END,
       CASE WHEN ((j1."OptOut" IN (?1) OR j1."OptOut" COLLATE RTRIM IN (?1))) OR (j1."LastPurchase" < ?2) THEN NULL ELSE j1."LastName" END,
       CASE WHEN ((j1."OptOut" IN (?1) OR j1."OptOut" COLLATE RTRIM IN (?1))) OR (j1."LastPurchase" < ?2) THEN NULL ELSE j1."Phone" END,
       CASE WHEN ((j1."OptOut" IN (?1) OR j1."OptOut" COLLATE RTRIM IN (?1))) OR (j1."LastPurchase" < ?2) THEN NULL ELSE j1."Email" END,
       +j1."Zip",
       +j2."VIN",
       +j2."Make",
       +j2."Model",
       +j2."ModelYear"
FROM "main"."RepairOrder" AS o
LEFT JOIN "main"."Customer" AS j1 ON j1."CustomerNo" = o."CustomerNo"
LEFT JOIN "main"."Vehicle" AS j2 ON j2."VehicleNo" = o."VehicleNo"
WHERE o."ClosedAt" >= ?3
  AND o."ClosedAt" < ?4
  AND CASE WHEN ((o."ROType" IN (?5) OR o."ROType" COLLATE RTRIM IN (?5))) THEN 1 ELSE 0 END = 0
  AND o."RONumber" IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
--   "Y", a customer.OptOut
--   the week's end less 2 years
--   the week's start, Monday 00:00 at the dealer
--   the week's end, Monday 00:00 at the dealer
--   "I", a ROType
--   from ?6 on: RONumber of up to 2000 orders, in lists of fixed lengths (here 10), a short one filled up with its last

-- job
SELECT +l1."RONumber",
       +l1."LineNo",
       +l1."OpCode",
       +l1."OpName",
       +l1."PayType",
       +l1."LaborHours",
       +l1."Complaint",
       +l1."Cause",
       +l1."Correction",
       +l1."CampaignNo",
       +l1."Amount"
FROM "main"."Job" AS l1
WHERE CASE WHEN ((l1."PayType" IN (?1) OR l1."PayType" COLLATE RTRIM IN (?1))) THEN 1 ELSE 0 END = 0
  AND l1."RONumber" IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ORDER BY l1."RONumber", l1."LineNo"
--   "I", a PayType
--   from ?2 on: RONumber of up to 2000 orders, in lists of fixed lengths (here 10), a short one filled up with its last

-- job.service_parts
SELECT +l2."RONumber",
       +l2."LineNo",
       +l2."Seq",
       +l2."PartNo",
       +l2."Description",
       +l2."Quantity",
       +l2."Price"
FROM "main"."Job" AS l1
JOIN "main"."Part" AS l2 ON l2."RONumber" = l1."RONumber" AND l2."LineNo" = l1."LineNo"
WHERE CASE WHEN ((l1."PayType" IN (?1) OR l1."PayType" COLLATE RTRIM IN (?1))) THEN 1 ELSE 0 END = 0
  AND l1."RONumber" IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ORDER BY l2."RONumber", l2."LineNo", l2."Seq"
--   "I", a PayType
--   from ?2 on: RONumber of up to 2000 orders, in lists of fixed lengths (here 10), a short one filled up with its last

-- orders of a week
SELECT s.n, COUNT(*)
FROM (SELECT CASE WHEN ((o."ROType" IN (?1) OR o."ROType" COLLATE RTRIM IN (?1))) THEN 0 WHEN o."RONumber" IS NULL THEN -1 ELSE -2 END AS n
FROM "main"."RepairOrder" AS o
WHERE o."ClosedAt" >= ?2
  AND o."ClosedAt" < ?3) AS s
WHERE s.n IS NOT NULL
GROUP BY s.n
ORDER BY s.n
--   "I", a ROType
--   the week's start, Monday 00:00 at the dealer
--   the week's end, Monday 00:00 at the dealer

-- skipped job of a week
SELECT s.n, COUNT(*)
FROM (SELECT CASE WHEN ((l1."PayType" IN (?1) OR l1."PayType" COLLATE RTRIM IN (?1))) THEN 0 END AS n
FROM "main"."RepairOrder" AS o
JOIN "main"."Job" AS l1 ON l1."RONumber" = o."RONumber"
WHERE o."ClosedAt" >= ?2
  AND o."ClosedAt" < ?3
  AND CASE WHEN ((o."ROType" IN (?4) OR o."ROType" COLLATE RTRIM IN (?4))) THEN 1 ELSE 0 END = 0) AS s
WHERE s.n IS NOT NULL
GROUP BY s.n
ORDER BY s.n
--   "I", a PayType
--   the week's start, Monday 00:00 at the dealer
--   the week's end, Monday 00:00 at the dealer
--   "I", a ROType

-- rows of a week
SELECT COUNT(*)
FROM "main"."RepairOrder" AS o
WHERE o."ClosedAt" >= ?1
  AND o."ClosedAt" < ?2
--   the week's start, Monday 00:00 at the dealer
--   the week's end, Monday 00:00 at the dealer

-- keys of a large week, first page
SELECT +o."RONumber", +o."UpdatedAt"
FROM "main"."RepairOrder" AS o
WHERE +o."ClosedAt" >= ?2
  AND +o."ClosedAt" < ?3
  AND o."RONumber" IS NOT NULL
  AND CASE WHEN ((o."ROType" IN (?4) OR o."ROType" COLLATE RTRIM IN (?4))) THEN 1 ELSE 0 END = 0
ORDER BY o."RONumber"
LIMIT ?1
--   how many keys a page has
--   the week's start, Monday 00:00 at the dealer
--   the week's end, Monday 00:00 at the dealer
--   "I", a ROType

-- orders of a large week
SELECT s.n, COUNT(*)
FROM (SELECT CASE WHEN ((o."ROType" IN (?1) OR o."ROType" COLLATE RTRIM IN (?1))) THEN 0 WHEN o."RONumber" IS NULL THEN -1 ELSE -2 END AS n
FROM "main"."RepairOrder" AS o
WHERE +o."ClosedAt" >= ?2
  AND +o."ClosedAt" < ?3) AS s
WHERE s.n IS NOT NULL
GROUP BY s.n
ORDER BY s.n
--   "I", a ROType
--   the week's start, Monday 00:00 at the dealer
--   the week's end, Monday 00:00 at the dealer

-- skipped job of a large week
SELECT s.n, COUNT(*)
FROM (SELECT CASE WHEN ((l1."PayType" IN (?1) OR l1."PayType" COLLATE RTRIM IN (?1))) THEN 0 END AS n
FROM "main"."RepairOrder" AS o
JOIN "main"."Job" AS l1 ON l1."RONumber" = o."RONumber"
WHERE +o."ClosedAt" >= ?2
  AND +o."ClosedAt" < ?3
  AND CASE WHEN ((o."ROType" IN (?4) OR o."ROType" COLLATE RTRIM IN (?4))) THEN 1 ELSE 0 END = 0) AS s
WHERE s.n IS NOT NULL
GROUP BY s.n
ORDER BY s.n
--   "I", a PayType
--   the week's start, Monday 00:00 at the dealer
--   the week's end, Monday 00:00 at the dealer
--   "I", a ROType

-- form of ClosedAt
SELECT MIN(t."ClosedAt"), MAX(t."ClosedAt")
FROM "main"."RepairOrder" AS t

-- form of customer.LastPurchase
SELECT MIN(t."LastPurchase"), MAX(t."LastPurchase")
FROM "main"."Customer" AS t

