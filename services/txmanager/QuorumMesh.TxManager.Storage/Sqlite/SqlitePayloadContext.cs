using Microsoft.EntityFrameworkCore;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage.Sqlite;

/// <summary>The model on SQLite: a type of its own, so that one assembly holds the migrations of both databases.</summary>
public sealed class SqlitePayloadContext(DbContextOptions<SqlitePayloadContext> options) : PayloadContext(options);
