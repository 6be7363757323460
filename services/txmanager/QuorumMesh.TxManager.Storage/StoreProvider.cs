using System.Data.Common;
using Microsoft.EntityFrameworkCore;

namespace QuorumMesh.TxManager.Storage;

/// <summary>What differs between the databases.</summary>
public abstract class StoreProvider
{
    /// <summary>For messages; without user names or passwords.</summary>
    public abstract string Description { get; }

    /// <summary>A statement that opens each write transaction, or null.</summary>
    public virtual string? BatchPrologue => null;

    /// <summary>Ids of every migration, oldest first: known without building a model, for a quick start.</summary>
    public abstract IReadOnlyList<string> MigrationIds { get; }

    /// <summary>For readers: a pooled connection per use.</summary>
    public abstract void Configure(DbContextOptionsBuilder<PayloadDbContext> options);

    /// <summary>For the writer: its own connection.</summary>
    public abstract void Configure(DbContextOptionsBuilder<PayloadDbContext> options, DbConnection connection);

    /// <summary>A pooled connection, not yet open.</summary>
    public abstract DbConnection CreateReader();

    /// <summary>Opens a connection that makes every commit durable.</summary>
    public abstract DbConnection OpenWriter();
}
