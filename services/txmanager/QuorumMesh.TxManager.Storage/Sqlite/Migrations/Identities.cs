using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage.Sqlite.Migrations;

/// <summary>Which key is pinned to which identity.</summary>
[DbContext(typeof(SqlitePayloadContext))]
[Migration(Id)]
public sealed class Identities() : StatementMigration(Statements, Undo)
{
    public const string Id = "20261202000000_Identities";

    private static readonly string[] Statements =
    [
        "CREATE TABLE PEER_IDENTITY (IDENTITY BLOB NOT NULL PRIMARY KEY, SERIAL BIGINT NOT NULL);",
        """
        CREATE TABLE KEY_PIN (
                PUBLIC_KEY BLOB NOT NULL PRIMARY KEY,
                IDENTITY BLOB NOT NULL,
                STATE INTEGER NOT NULL,
                SUCCESSOR BLOB,
                SINCE BIGINT NOT NULL);
        """,
    ];

    private static readonly string[] Undo = ["DROP TABLE KEY_PIN;", "DROP TABLE PEER_IDENTITY;"];

    protected override void BuildTargetModel(ModelBuilder modelBuilder) => SqlitePayloadContextModelSnapshot.Build(modelBuilder);
}
