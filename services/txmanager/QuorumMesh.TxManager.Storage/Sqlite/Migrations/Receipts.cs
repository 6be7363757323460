using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage.Sqlite.Migrations;

/// <summary>What recipients have signed for.</summary>
[DbContext(typeof(SqlitePayloadContext))]
[Migration(Id)]
public sealed class Receipts() : StatementMigration(Statements, Undo)
{
    public const string Id = "20261203000000_Receipts";

    private static readonly string[] Statements =
    [
        "CREATE TABLE RECEIPT_LIST (ID BLOB NOT NULL PRIMARY KEY, BODY BLOB NOT NULL);",
        """
        CREATE TABLE RECEIPT (
                HASH BLOB NOT NULL,
                RECIPIENT BLOB NOT NULL,
                LIST BLOB NOT NULL,
                PRIMARY KEY (HASH, RECIPIENT));
        """,
    ];

    private static readonly string[] Undo = ["DROP TABLE RECEIPT;", "DROP TABLE RECEIPT_LIST;"];

    protected override void BuildTargetModel(ModelBuilder modelBuilder) => SqlitePayloadContextModelSnapshot.Build(modelBuilder);
}
