// Runs the SQL on standard input in DuckDB and prints the rows of its last statement as JSON.
const { DuckDBInstance } = require("@duckdb/node-api");

async function main() {
  const sql = require("fs").readFileSync(0, "utf8");
  const db = await (await DuckDBInstance.create(":memory:")).connect();
  const result = await db.runAndReadAll(sql);
  console.log(JSON.stringify(result.getRowObjectsJson()));
}

main().catch((err) => {
  console.error(err.message);
  process.exit(1);
});
