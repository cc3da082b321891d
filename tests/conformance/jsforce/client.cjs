// What a program written with jsforce does, unmodified; prints one JSON object: name of the step -> what came of it.
"use strict";
const jsforce = require(require.resolve("jsforce", { paths: [process.env.JSFORCE_HOME] }));
const { FAKE_URL, FAKE_TOKEN, FAKE_USER, FAKE_PASSWORD } = process.env;

const connection = (more) => new jsforce.Connection({ instanceUrl: FAKE_URL, accessToken: FAKE_TOKEN, ...more });
const conn = connection();
const lead = (name) => ({ LastName: name, Company: "jsforce GmbH" });
const failure = (error) => ({ name: error.name, errorCode: error.errorCode, message: error.message });
const fails = (promise) => promise.then(() => "no error", failure);

const collect = (stream) =>
  new Promise((resolve, reject) => {
    const records = [];
    stream.on("record", (record) => records.push(record)).on("end", () => resolve(records)).on("error", reject);
  });

const steps = {
  async identity() {
    return conn.identity();
  },
  async query() {
    return conn.query("SELECT Id, Name, CreatedDate, AnnualRevenue, Owner.Name FROM Lead ORDER BY Id LIMIT 5");
  },
  async queryMore() {
    const options = { headers: { "Sforce-Query-Options": "batchSize=200" } };
    const pages = [];
    let page = await conn.query("SELECT Id FROM Lead ORDER BY Id", options);
    for (;;) {
      pages.push(page.records.length);
      if (page.done) return { pages, total: page.totalSize };
      page = await conn.queryMore(page.nextRecordsUrl, options);
    }
  },
  async autoFetch() {
    const all = await conn.query("SELECT Id FROM Lead", {
      autoFetch: true, maxFetch: 1000, headers: { "Sforce-Query-Options": "batchSize=200" },
    });
    return new Set(all.records.map((record) => record.Id)).size;
  },
  async children() {
    return conn.query("SELECT Name, (SELECT LastName FROM Contacts) FROM Account WHERE Id IN (SELECT AccountId FROM Contact) ORDER BY Id LIMIT 2");
  },
  async aggregate() {
    return conn.query("SELECT Status, COUNT(Id) n FROM Lead GROUP BY Status ORDER BY Status");
  },
  async queryFails() {
    return fails(conn.query("SELECT Nonsense FROM Lead"));
  },
  async describe() {
    const told = await conn.sobject("Lead").describe();
    const everything = await conn.describeGlobal();
    return {
      name: told.name, keyPrefix: told.keyPrefix, fields: told.fields.map((field) => field.name),
      objects: everything.sobjects.map((one) => one.name),
    };
  },
  async crud() {
    const made = await conn.sobject("Lead").create(lead("Created"));
    const before = await conn.sobject("Lead").retrieve(made.id);
    const updated = await conn.sobject("Lead").update({ Id: made.id, Title: "Buyer" });
    const after = await conn.sobject("Lead").retrieve(made.id);
    const gone = await conn.sobject("Lead").destroy(made.id);
    return { made, before, updated, title: after.Title, gone, missing: await fails(conn.sobject("Lead").retrieve(made.id)) };
  },
  async upsert() {
    const first = await conn.sobject("Lead").upsert({ ...lead("Upserted"), Crm_Id__c: "J-1" }, "Crm_Id__c");
    const second = await conn.sobject("Lead").upsert({ Title: "Again", Crm_Id__c: "J-1" }, "Crm_Id__c");
    return { first, second };
  },
  async createFails() {
    return fails(conn.sobject("Lead").create({ Company: "No name" }));
  },
  async collections() {
    const names = ["One", "Two", "Three"];
    const made = await conn.sobject("Lead").create(names.map(lead));
    const ids = made.map((one) => one.id);
    const updated = await conn.sobject("Lead").update(ids.map((Id) => ({ Id, Title: "All" })));
    const read = await conn.sobject("Lead").retrieve(ids);
    const mixed = await conn.sobject("Lead").create([lead("Four"), { Company: "No name" }]);
    const upserted = await conn.sobject("Lead").upsert(["J-2", "J-3"].map((id) => ({ ...lead(id), Crm_Id__c: id })), "Crm_Id__c");
    const gone = await conn.sobject("Lead").destroy(ids);
    return { made, updated, names: read.map((one) => one.LastName), titles: read.map((one) => one.Title), mixed, upserted, gone };
  },
  async bulkQuery() {
    const stream = await conn.bulk2.query("SELECT Id, LastName FROM Lead", { pollInterval: 50, pollTimeout: 20000 });
    const records = await collect(stream);
    return { rows: records.length, columns: Object.keys(records[0]) };
  },
  async bulkQueryFails() {
    return fails(conn.bulk2.query("SELECT Nonsense FROM Lead", { pollInterval: 50, pollTimeout: 20000 }));
  },
  async bulkIngest() {
    const input = Array.from({ length: 250 }, (_, number) => lead(`Bulk ${number}`));
    input.push({ LastName: "", Company: "No name" });
    const done = await conn.bulk2.loadAndWaitForResults({ object: "Lead", operation: "insert", input, pollInterval: 50, pollTimeout: 20000 });
    const found = await conn.query("SELECT COUNT() FROM Lead WHERE LastName LIKE 'Bulk %'");
    return {
      found: found.totalSize, successful: done.successfulResults.length, failed: done.failedResults,
      unprocessed: done.unprocessedRecords.length, first: done.successfulResults[0],
    };
  },
  async bulkOne() {
    const made = await conn.bulk.load("Lead", "insert", [lead("Old bulk 1"), lead("Old bulk 2")]);
    const read = await collect(await conn.bulk.query("SELECT Id, LastName FROM Lead WHERE LastName LIKE 'Old bulk %'"));
    return { made, read: read.map((one) => one.LastName).sort() };
  },
  async login() {
    const other = new jsforce.Connection({ loginUrl: FAKE_URL });
    const user = await other.login(FAKE_USER, FAKE_PASSWORD);
    const found = await other.query("SELECT COUNT() FROM User");
    return { user, users: found.totalSize, instance: other.instanceUrl };
  },
  async loginFails() {
    return fails(new jsforce.Connection({ loginUrl: FAKE_URL }).login(FAKE_USER, "wrong"));
  },
  async refresh() {
    let asked = 0;
    const stale = connection({
      accessToken: "00Dstale!token",
      refreshFn: (_, callback) => { asked += 1; callback(null, FAKE_TOKEN); },
    });
    const found = await stale.query("SELECT COUNT() FROM User");
    return { asked, users: found.totalSize };
  },
  async replication() {
    const { id } = await conn.sobject("Lead").create(lead("Replicated"));
    const [{ CreatedDate }] = (await conn.query(`SELECT CreatedDate FROM Lead WHERE Id = '${id}'`)).records;
    const at = new Date(CreatedDate).getTime();
    const [start, end] = [new Date(at - 600000).toISOString(), new Date(at + 600000).toISOString()];
    const updated = await conn.sobject("Lead").updated(start, end);
    await conn.sobject("Lead").destroy(id);
    const deleted = await conn.sobject("Lead").deleted(start, end);
    return { id, updated, deleted: deleted.deletedRecords.map((one) => one.id), latest: deleted.latestDateCovered };
  },
  async convert() {
    const { id } = await conn.sobject("Lead").create(lead("Converted"));
    return conn.soap.convertLead({ leadId: id, convertedStatus: "Closed - Converted", doNotCreateOpportunity: false });
  },
  async composite() {
    return conn.requestPost(`/services/data/v${conn.version}/composite`, {
      compositeRequest: [
        { method: "POST", url: `/services/data/v${conn.version}/sobjects/Account`, referenceId: "a", body: { Name: "Composite" } },
        { method: "GET", url: `/services/data/v${conn.version}/sobjects/Account/@{a.id}?fields=Name`, referenceId: "b" },
      ],
    });
  },
  async limits() {
    const told = await conn.request(`/services/data/v${conn.version}/limits`);
    return { told: told.DailyApiRequests, info: conn.limitInfo };
  },
};

(async () => {
  const results = {};
  for (const [name, step] of Object.entries(steps)) {
    try {
      results[name] = { value: (await step()) ?? null };
    } catch (error) {
      results[name] = { failed: `${error.name}: ${error.message}`, stack: error.stack };
    }
  }
  process.stdout.write(JSON.stringify(results));
})();
