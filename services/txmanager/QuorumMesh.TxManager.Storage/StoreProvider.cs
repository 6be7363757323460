using System.Data.Common;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage;

/// <summary>An EF migration as the statements that it runs.</summary>
public sealed record SchemaStep(string Id, IReadOnlyList<string> Statements);

/// <summary>What differs between the databases.</summary>
public abstract class StoreProvider
{
    /// <summary>For messages; without user names or passwords.</summary>
    public abstract string Description { get; }

    /// <summary>A statement that opens each write transaction, or null.</summary>
    public virtual string? BatchPrologue => null;

    /// <summary>What follows a query for a row that the same transaction then writes, so that no other writer changes it between.</summary>
    public virtual string RowLock => string.Empty;

    /// <summary>Every EF migration, oldest first, as plain statements: a start then needs no model.</summary>
    public abstract IReadOnlyList<SchemaStep> Migrations { get; }

    /// <summary>EF's view of the database, on a pooled connection.</summary>
    public abstract PayloadContext CreateContext();

    /// <summary>A pooled connection, not yet open.</summary>
    public abstract DbConnection CreateReader();

    /// <summary>Opens a connection that makes every commit durable.</summary>
    public abstract DbConnection OpenWriter();

    /// <summary>
    /// A query that sets @count sequence numbers of participation records aside and gives the last of them. Run inside a write transaction.
    /// </summary>
    public abstract string ReserveSequence { get; }

    /// <summary>Opens a connection that cannot write, beside a running manager too.</summary>
    public abstract DbConnection OpenReadOnly();

    /// <summary>What follows a table's name in a query that must read the table itself, not an index.</summary>
    public virtual string TableHint => string.Empty;

    /// <summary>What the database itself finds broken in its structure; at most a hundred lines.</summary>
    public virtual IEnumerable<string> StructureFaults(DbConnection connection) => [];
}
