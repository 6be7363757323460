using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage.Postgres.Migrations;

/// <summary>Tessera's table of privacy groups, left alone where it is there.</summary>
[DbContext(typeof(PostgresPayloadContext))]
[Migration(Id)]
public sealed class Groups() : StatementMigration(Statements, Undo)
{
    public const string Id = "20261201000000_Groups";

    private static readonly string[] Statements =
    [
        """
        CREATE TABLE IF NOT EXISTS PRIVACY_GROUP (
                ID BYTEA NOT NULL PRIMARY KEY,
                LOOKUP_ID BYTEA,
                DATA BYTEA NOT NULL,
                TIMESTAMP BIGINT);
        """,
        "CREATE INDEX IF NOT EXISTS IX_PRIVACY_GROUP_LOOKUP ON PRIVACY_GROUP (LOOKUP_ID);",
    ];

    private static readonly string[] Undo = ["DROP TABLE PRIVACY_GROUP;"];

    protected override void BuildTargetModel(ModelBuilder modelBuilder) => PostgresPayloadContextModelSnapshot.Build(modelBuilder);
}
