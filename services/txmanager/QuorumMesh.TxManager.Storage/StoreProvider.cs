using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage;

/// <summary>
/// What differs between the databases. EF and its model are loaded by the first context that is made, and a start on a current database
/// makes none: it would cost each start more than everything else that the manager does there. docs/performance.md has the figures.
/// </summary>
public abstract class StoreProvider
{
    /// <summary>The steps of the schema, oldest first, by the names that EF keeps in the database.</summary>
    public abstract IReadOnlyList<string> Migrations { get; }

    /// <summary>
    /// All steps as statements, from an empty database (or Tessera's) on: EF's own script, which a test compares with the migrations.
    /// </summary>
    public string Schema => ReadSchema();

    /// <summary>A query for the number of tables that EF keeps the applied steps in: 0 or 1.</summary>
    public abstract string HistoryTables { get; }

    /// <summary>A query for table, column and type of every column there is.</summary>
    public abstract string Columns { get; }

    /// <summary>
    /// A query for schema and name of every payload table that a statement of ours would miss, or take for ours; null where
    /// there can be none.
    /// </summary>
    public virtual string? Strays => null;

    /// <summary>
    /// What a database of Tessera's gets beside columns and tables: an index of the rows without checksum, and a trigger that voids the
    /// checksum of a row that is changed without it.
    /// </summary>
    public abstract IReadOnlyList<string> Takeover { get; }

    /// <summary>For messages; without user names or passwords.</summary>
    public abstract string Description { get; }

    /// <summary>A statement that opens each write transaction, or null.</summary>
    public virtual string? BatchPrologue => null;

    /// <summary>What follows a query for a row that the same transaction then writes, so that no other writer changes it between.</summary>
    public virtual string RowLock => string.Empty;

    /// <summary>What follows a table's name in a query that must read the table itself, not an index.</summary>
    public virtual string TableHint => string.Empty;

    /// <summary>
    /// A query that sets @count sequence numbers of participation records aside and gives the last of them. Run inside a write transaction.
    /// </summary>
    public abstract string ReserveSequence { get; }

    /// <summary>Whether a reader keeps its connection, for the statements that it has; else the driver does both.</summary>
    public virtual bool KeepsStatements => false;

    /// <summary>A pooled context on a pooled connection, which tracks nothing.</summary>
    public abstract PayloadContext CreateReader();

    /// <summary>A pooled connection, not yet open: for look-ups that go without EF.</summary>
    public abstract DbConnection CreateConnection();

    /// <summary>A context on a connection of its own, open, that cannot write; beside a running manager too.</summary>
    public PayloadContext OpenReadOnly() => On(OpenReadOnlyConnection(), isOwned: true);

    /// <summary>A context on a connection that stays its caller's.</summary>
    public PayloadContext On(DbConnection connection) => On(connection, isOwned: false);

    /// <summary>A connection of its own, open, that makes every commit durable.</summary>
    public abstract DbConnection OpenWriter();

    /// <summary>A connection that cannot write, where opening the writer alone would change the database; null where it does not.</summary>
    public virtual DbConnection? OpenToLook() => null;

    /// <summary>What the database itself finds broken in its structure; at most a hundred lines.</summary>
    public virtual IEnumerable<string> StructureFaults(DbConnection connection) => [];

    protected abstract DbConnection OpenReadOnlyConnection();

    /// <summary>A context of its own, not pooled.</summary>
    protected abstract PayloadContext NewContext();

    /// <summary>What both databases have in common.</summary>
    /// <remarks>
    /// A start migrates inside its own transaction: nothing half done stays, and SQLite gets no lock row that a kill would leave.
    /// </remarks>
    protected static DbContextOptionsBuilder<T> Options<T>()
        where T : PayloadContext => new DbContextOptionsBuilder<T>()
            .UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking)
            .ConfigureWarnings(w => w.Ignore(Microsoft.EntityFrameworkCore.Diagnostics.RelationalEventId.MigrationsUserTransactionWarning));

    private PayloadContext On(DbConnection connection, bool isOwned)
    {
        var context = NewContext();
        context.Database.SetDbConnection(connection, isOwned);
        context.Database.AutoSavepointsEnabled = false;
        return context;
    }

    private string ReadSchema()
    {
        using var reader = new StreamReader(GetType().Assembly.GetManifestResourceStream(GetType(), "Schema.sql")!);
        return reader.ReadToEnd();
    }
}
