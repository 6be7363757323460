using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage.Postgres.Migrations;

/// <summary>
/// A checksum in every row. The column may be null, so that adding it changes no row: a database of any size is open again at once.
/// </summary>
[DbContext(typeof(PostgresPayloadContext))]
[Migration(Id)]
public sealed class Checksums() : StatementMigration(Statements, Undo)
{
    public const string Id = "20261126000000_Checksums";

    private static readonly string[] Statements =
    [
        "ALTER TABLE ENCRYPTED_TRANSACTION ADD COLUMN CHECKSUM BYTEA;",
        "ALTER TABLE ENCRYPTED_RAW_TRANSACTION ADD COLUMN CHECKSUM BYTEA;",
        "ALTER TABLE PARTICIPATION ADD COLUMN CHECKSUM BYTEA;",
    ];

    private static readonly string[] Undo =
    [
        "ALTER TABLE PARTICIPATION DROP COLUMN CHECKSUM;",
        "ALTER TABLE ENCRYPTED_RAW_TRANSACTION DROP COLUMN CHECKSUM;",
        "ALTER TABLE ENCRYPTED_TRANSACTION DROP COLUMN CHECKSUM;",
    ];

    protected override void BuildTargetModel(ModelBuilder modelBuilder) => PostgresPayloadContextModelSnapshot.Build(modelBuilder);
}
