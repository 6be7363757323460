using Microsoft.EntityFrameworkCore;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage.Postgres;

/// <summary>The model on PostgreSQL: a type of its own, so that one assembly holds the migrations of both databases.</summary>
public sealed class PostgresPayloadContext(DbContextOptions<PostgresPayloadContext> options) : PayloadContext(options)
{
    protected override string Named(string name) => name.ToLowerInvariant();
}
