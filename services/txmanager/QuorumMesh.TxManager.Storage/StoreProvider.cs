using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage;

/// <summary>What differs between the databases.</summary>
public abstract class StoreProvider
{
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

    /// <summary>A pooled context on a pooled connection, which tracks nothing.</summary>
    public abstract PayloadContext CreateReader();

    /// <summary>A pooled connection, not yet open: for look-ups that go without EF.</summary>
    public abstract DbConnection CreateConnection();

    /// <summary>A context on a connection of its own, open, that makes every commit durable.</summary>
    public PayloadContext OpenWriter() => OpenOn(OpenWriterConnection());

    /// <summary>A context on a connection of its own, open, that cannot write; beside a running manager too.</summary>
    public PayloadContext OpenReadOnly() => OpenOn(OpenReadOnlyConnection());

    /// <summary>What the database itself finds broken in its structure; at most a hundred lines.</summary>
    public virtual IEnumerable<string> StructureFaults(DbConnection connection) => [];

    protected abstract DbConnection OpenWriterConnection();

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

    private PayloadContext OpenOn(DbConnection connection)
    {
        var context = NewContext();
        context.Database.SetDbConnection(connection, contextOwnsConnection: true);
        return context;
    }
}
