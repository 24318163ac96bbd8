-- A vendor's reporting layer: views alone are of use; the tables behind them say nothing.
CREATE TABLE T0101 (F1 INT NOT NULL PRIMARY KEY, F2 VARCHAR(17), F3 DATETIME, F4 DATETIME, F5 INT, F6 VARCHAR(8), F7 VARCHAR(2), F8 VARCHAR(40), F9 INT);
CREATE TABLE T0102 (F1 INT NOT NULL, F2 INT NOT NULL, F3 VARCHAR(12), F4 VARCHAR(60), F5 VARCHAR(4), F6 DECIMAL(8,2), F7 VARCHAR(400), PRIMARY KEY (F1, F2));
CREATE TABLE T0103 (F1 INT NOT NULL, F2 INT NOT NULL, F3 INT NOT NULL, F4 VARCHAR(20), F5 VARCHAR(60), F6 DECIMAL(8,2), PRIMARY KEY (F1, F2, F3));
CREATE VIEW vw_service_ro_header AS SELECT F1 AS ro_no, F2 AS vin, F3 AS date_opened, F4 AS date_closed, F5 AS odometer, F6 AS service_writer_id, F7 AS ro_status, F8 AS cust_name, F9 AS cust_no FROM T0101;
CREATE VIEW vw_service_ro_labor AS SELECT F1 AS ro_no, F2 AS line_no, F3 AS labor_op, F4 AS labor_op_desc, F5 AS tech_no, F6 AS labor_hrs, F7 AS tech_story FROM T0102;
CREATE VIEW vw_service_ro_parts AS SELECT F1 AS ro_no, F2 AS line_no, F3 AS seq, F4 AS part_no, F5 AS part_desc, F6 AS qty_sold FROM T0103;
