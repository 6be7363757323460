using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage.Postgres.Migrations;

/// <summary>The model that the newest migration leads to; a test compares it with the code's.</summary>
[DbContext(typeof(PostgresPayloadContext))]
public sealed class PostgresPayloadContextModelSnapshot : ModelSnapshot
{
    internal static void Build(ModelBuilder modelBuilder)
    {
        modelBuilder.HasAnnotation("ProductVersion", "10.0.15").HasAnnotation("Relational:MaxIdentifierLength", 63);
        NpgsqlModelBuilderExtensions.UseIdentityByDefaultColumns(modelBuilder);
        modelBuilder.Entity("QuorumMesh.TxManager.Storage.Model.TransactionRow", e =>
        {
            e.Property<byte[]>("Hash").HasColumnType("bytea").HasColumnName("hash");
            e.Property<byte[]>("EncodedPayload").IsRequired().HasColumnType("bytea").HasColumnName("encoded_payload");
            e.Property<string>("PayloadCodec").HasMaxLength(50).HasColumnType("character varying(50)").HasColumnName("payload_codec");
            e.Property<long>("Timestamp").HasColumnType("bigint").HasColumnName("timestamp");
            e.Property<byte[]>("Checksum").HasColumnType("bytea").HasColumnName("checksum");
            e.HasKey("Hash");
            e.HasIndex("Timestamp", "Hash").HasDatabaseName("ix_encrypted_transaction_time");
            e.ToTable("encrypted_transaction", (string?)null);
        });
        modelBuilder.Entity("QuorumMesh.TxManager.Storage.Model.RawTransactionRow", e =>
        {
            e.Property<byte[]>("Hash").HasColumnType("bytea").HasColumnName("hash");
            e.Property<byte[]>("EncryptedKey").IsRequired().HasColumnType("bytea").HasColumnName("encrypted_key");
            e.Property<byte[]>("EncryptedPayload").IsRequired().HasColumnType("bytea").HasColumnName("encrypted_payload");
            e.Property<byte[]>("Nonce").IsRequired().HasColumnType("bytea").HasColumnName("nonce");
            e.Property<byte[]>("Sender").IsRequired().HasColumnType("bytea").HasColumnName("sender");
            e.Property<long>("Timestamp").HasColumnType("bigint").HasColumnName("timestamp");
            e.Property<byte[]>("Checksum").HasColumnType("bytea").HasColumnName("checksum");
            e.HasKey("Hash");
            e.ToTable("encrypted_raw_transaction", (string?)null);
        });
        modelBuilder.Entity("QuorumMesh.TxManager.Storage.Model.ParticipationRow", e =>
        {
            NpgsqlPropertyBuilderExtensions.UseIdentityByDefaultColumn(
                e.Property<long>("Seq").ValueGeneratedOnAdd().HasColumnType("bigint").HasColumnName("seq"));
            e.Property<byte[]>("Hash").IsRequired().HasColumnType("bytea").HasColumnName("hash");
            e.Property<byte[]>("OwnKey").IsRequired().HasColumnType("bytea").HasColumnName("own_key");
            e.Property<int>("Role").HasColumnType("integer").HasColumnName("role");
            e.Property<byte[]>("Checksum").HasColumnType("bytea").HasColumnName("checksum");
            e.HasKey("Seq");
            e.HasIndex("Hash", "OwnKey", "Role").IsUnique().HasDatabaseName("ix_participation_hash");
            e.ToTable("participation", (string?)null);
        });
        modelBuilder.Entity("QuorumMesh.TxManager.Storage.Model.MetadataRow", e =>
        {
            e.Property<string>("Name").HasMaxLength(100).HasColumnType("character varying(100)").HasColumnName("name");
            e.Property<string>("Value").IsRequired().HasColumnType("text").HasColumnName("value");
            e.HasKey("Name");
            e.ToTable("metadata", (string?)null);
        });
    }

    protected override void BuildModel(ModelBuilder modelBuilder) => Build(modelBuilder);
}
