using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage.Sqlite.Migrations;

/// <summary>Tessera's table of privacy groups, left alone where it is there.</summary>
[DbContext(typeof(SqlitePayloadContext))]
[Migration(Id)]
public sealed class Groups() : StatementMigration(Statements, Undo)
{
    public const string Id = "20261201000000_Groups";

    private static readonly string[] Statements =
    [
        """
        CREATE TABLE IF NOT EXISTS PRIVACY_GROUP (
                ID BLOB NOT NULL PRIMARY KEY,
                LOOKUP_ID BLOB,
                DATA BLOB NOT NULL,
                TIMESTAMP BIGINT);
        """,
        "CREATE INDEX IF NOT EXISTS IX_PRIVACY_GROUP_LOOKUP ON PRIVACY_GROUP (LOOKUP_ID);",
    ];

    private static readonly string[] Undo = ["DROP TABLE PRIVACY_GROUP;"];

    protected override void BuildTargetModel(ModelBuilder modelBuilder) => SqlitePayloadContextModelSnapshot.Build(modelBuilder);
}
