using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage.Sqlite.Migrations;

/// <summary>The model that the newest migration leads to; a test compares it with the code's.</summary>
[DbContext(typeof(SqlitePayloadContext))]
public sealed class SqlitePayloadContextModelSnapshot : ModelSnapshot
{
    internal static void Build(ModelBuilder modelBuilder)
    {
        modelBuilder.HasAnnotation("ProductVersion", "10.0.15");
        modelBuilder.Entity("QuorumMesh.TxManager.Storage.Model.TransactionRow", e =>
        {
            e.Property<byte[]>("Hash").HasColumnType("BLOB").HasColumnName("HASH");
            e.Property<byte[]>("EncodedPayload").IsRequired().HasColumnType("BLOB").HasColumnName("ENCODED_PAYLOAD");
            e.Property<string>("PayloadCodec").HasMaxLength(50).HasColumnType("TEXT").HasColumnName("PAYLOAD_CODEC");
            e.Property<long>("Timestamp").HasColumnType("INTEGER").HasColumnName("TIMESTAMP");
            e.Property<byte[]>("Checksum").HasColumnType("BLOB").HasColumnName("CHECKSUM");
            e.HasKey("Hash");
            e.HasIndex("Timestamp", "Hash").HasDatabaseName("IX_ENCRYPTED_TRANSACTION_TIME");
            e.ToTable("ENCRYPTED_TRANSACTION", (string?)null);
        });
        modelBuilder.Entity("QuorumMesh.TxManager.Storage.Model.RawTransactionRow", e =>
        {
            e.Property<byte[]>("Hash").HasColumnType("BLOB").HasColumnName("HASH");
            e.Property<byte[]>("EncryptedKey").IsRequired().HasColumnType("BLOB").HasColumnName("ENCRYPTED_KEY");
            e.Property<byte[]>("EncryptedPayload").IsRequired().HasColumnType("BLOB").HasColumnName("ENCRYPTED_PAYLOAD");
            e.Property<byte[]>("Nonce").IsRequired().HasColumnType("BLOB").HasColumnName("NONCE");
            e.Property<byte[]>("Sender").IsRequired().HasColumnType("BLOB").HasColumnName("SENDER");
            e.Property<long>("Timestamp").HasColumnType("INTEGER").HasColumnName("TIMESTAMP");
            e.Property<byte[]>("Checksum").HasColumnType("BLOB").HasColumnName("CHECKSUM");
            e.HasKey("Hash");
            e.ToTable("ENCRYPTED_RAW_TRANSACTION", (string?)null);
        });
        modelBuilder.Entity("QuorumMesh.TxManager.Storage.Model.ParticipationRow", e =>
        {
            e.Property<long>("Seq").ValueGeneratedOnAdd().HasColumnType("INTEGER").HasColumnName("SEQ");
            e.Property<byte[]>("Hash").IsRequired().HasColumnType("BLOB").HasColumnName("HASH");
            e.Property<byte[]>("OwnKey").IsRequired().HasColumnType("BLOB").HasColumnName("OWN_KEY");
            e.Property<int>("Role").HasColumnType("INTEGER").HasColumnName("ROLE");
            e.Property<byte[]>("Checksum").HasColumnType("BLOB").HasColumnName("CHECKSUM");
            e.HasKey("Seq");
            e.HasIndex("Hash", "OwnKey", "Role").IsUnique().HasDatabaseName("IX_PARTICIPATION_HASH");
            e.ToTable("PARTICIPATION", (string?)null);
        });
        modelBuilder.Entity("QuorumMesh.TxManager.Storage.Model.MetadataRow", e =>
        {
            e.Property<string>("Name").HasMaxLength(100).HasColumnType("TEXT").HasColumnName("NAME");
            e.Property<string>("Value").IsRequired().HasColumnType("TEXT").HasColumnName("VALUE");
            e.HasKey("Name");
            e.ToTable("METADATA", (string?)null);
        });
    }

    protected override void BuildModel(ModelBuilder modelBuilder) => Build(modelBuilder);
}
