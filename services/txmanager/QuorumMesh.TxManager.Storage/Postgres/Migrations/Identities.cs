using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage.Postgres.Migrations;

/// <summary>Which key is pinned to which identity.</summary>
[DbContext(typeof(PostgresPayloadContext))]
[Migration(Id)]
public sealed class Identities() : StatementMigration(Statements, Undo)
{
    public const string Id = "20261202000000_Identities";

    private static readonly string[] Statements =
    [
        "CREATE TABLE PEER_IDENTITY (IDENTITY BYTEA NOT NULL PRIMARY KEY, SERIAL BIGINT NOT NULL);",
        """
        CREATE TABLE KEY_PIN (
                PUBLIC_KEY BYTEA NOT NULL PRIMARY KEY,
                IDENTITY BYTEA NOT NULL,
                STATE INTEGER NOT NULL,
                SUCCESSOR BYTEA,
                SINCE BIGINT NOT NULL);
        """,
    ];

    private static readonly string[] Undo = ["DROP TABLE KEY_PIN;", "DROP TABLE PEER_IDENTITY;"];

    protected override void BuildTargetModel(ModelBuilder modelBuilder) => PostgresPayloadContextModelSnapshot.Build(modelBuilder);
}
