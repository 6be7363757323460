using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage.Sqlite.Migrations;

/// <summary>Tessera's two tables are left alone when they exist, so that a database of Tessera's can be taken over as it stands.</summary>
[DbContext(typeof(SqlitePayloadContext))]
[Migration(Id)]
public sealed class Initial() : StatementMigration(Statements, Undo)
{
    public const string Id = "20260901000000_Initial";

    private static readonly string[] Statements =
    [
        """
        CREATE TABLE IF NOT EXISTS ENCRYPTED_TRANSACTION (
                HASH BLOB NOT NULL PRIMARY KEY,
                ENCODED_PAYLOAD BLOB NOT NULL,
                PAYLOAD_CODEC VARCHAR(50),
                TIMESTAMP BIGINT NOT NULL);
        """,
        "CREATE INDEX IF NOT EXISTS IX_ENCRYPTED_TRANSACTION_TIME ON ENCRYPTED_TRANSACTION (TIMESTAMP, HASH);",
        """
        CREATE TABLE IF NOT EXISTS ENCRYPTED_RAW_TRANSACTION (
                HASH BLOB NOT NULL PRIMARY KEY,
                ENCRYPTED_KEY BLOB NOT NULL,
                ENCRYPTED_PAYLOAD BLOB NOT NULL,
                NONCE BLOB NOT NULL,
                SENDER BLOB NOT NULL,
                TIMESTAMP BIGINT NOT NULL);
        """,
        """
        CREATE TABLE PARTICIPATION (
                SEQ INTEGER PRIMARY KEY AUTOINCREMENT,
                HASH BLOB NOT NULL,
                OWN_KEY BLOB NOT NULL,
                ROLE INTEGER NOT NULL);
        """,
        "CREATE UNIQUE INDEX IX_PARTICIPATION_HASH ON PARTICIPATION (HASH, OWN_KEY, ROLE);",
        "CREATE TABLE METADATA (NAME VARCHAR(100) NOT NULL PRIMARY KEY, VALUE TEXT NOT NULL);",
    ];

    private static readonly string[] Undo =
    [
        "DROP TABLE METADATA;",
        "DROP TABLE PARTICIPATION;",
        "DROP TABLE ENCRYPTED_RAW_TRANSACTION;",
        "DROP TABLE ENCRYPTED_TRANSACTION;",
    ];

    protected override void BuildTargetModel(ModelBuilder modelBuilder) => SqlitePayloadContextModelSnapshot.Build(modelBuilder);
}
