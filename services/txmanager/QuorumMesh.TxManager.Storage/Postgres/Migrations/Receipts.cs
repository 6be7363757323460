using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage.Postgres.Migrations;

/// <summary>What recipients have signed for.</summary>
[DbContext(typeof(PostgresPayloadContext))]
[Migration(Id)]
public sealed class Receipts() : StatementMigration(Statements, Undo)
{
    public const string Id = "20261203000000_Receipts";

    private static readonly string[] Statements =
    [
        "CREATE TABLE RECEIPT_LIST (ID BYTEA NOT NULL PRIMARY KEY, BODY BYTEA NOT NULL);",
        """
        CREATE TABLE RECEIPT (
                HASH BYTEA NOT NULL,
                RECIPIENT BYTEA NOT NULL,
                LIST BYTEA NOT NULL,
                PRIMARY KEY (HASH, RECIPIENT));
        """,
    ];

    private static readonly string[] Undo = ["DROP TABLE RECEIPT;", "DROP TABLE RECEIPT_LIST;"];

    protected override void BuildTargetModel(ModelBuilder modelBuilder) => PostgresPayloadContextModelSnapshot.Build(modelBuilder);
}
