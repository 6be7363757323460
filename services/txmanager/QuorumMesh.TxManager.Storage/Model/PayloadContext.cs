using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Query.SqlExpressions;
using Microsoft.EntityFrameworkCore.Storage;

namespace QuorumMesh.TxManager.Storage.Model;

/// <summary>
/// Tessera's tables and our own beside them. Names are upper-case, on PostgreSQL lower-case: what Tessera's unquoted DDL makes there.
/// </summary>
public abstract class PayloadContext(DbContextOptions options) : DbContext(options)
{
    /// <summary>What a null column means too.</summary>
    public const string LegacyCodec = "LEGACY";

    /// <summary>Of Tessera 22.1 and later.</summary>
    public const string CborCodec = "CBOR";

    public DbSet<TransactionRow> Transactions => Set<TransactionRow>();

    public DbSet<RawTransactionRow> RawTransactions => Set<RawTransactionRow>();

    public DbSet<ParticipationRow> Participations => Set<ParticipationRow>();

    /// <summary>A table's, column's or index's name as the database has it.</summary>
    protected virtual string Named(string name) => name;

    /// <summary>Whether a key comes after another one in the database's order of bytes. Only in queries.</summary>
    /// <exception cref="NotSupportedException">Called outside a query.</exception>
    public static bool IsAfter(byte[] key, byte[] other) => throw new NotSupportedException("for queries alone");

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.HasDbFunction(() => IsAfter(default!, default!)).HasTranslation(
            a => new SqlBinaryExpression(ExpressionType.GreaterThan, a[0], a[1], typeof(bool), new BoolTypeMapping("boolean")));
        modelBuilder.Entity<TransactionRow>(e =>
        {
            e.ToTable(Named("ENCRYPTED_TRANSACTION"));
            e.HasKey(r => r.Hash);
            e.Property(r => r.Hash).HasColumnName(Named("HASH"));
            e.Property(r => r.EncodedPayload).HasColumnName(Named("ENCODED_PAYLOAD"));
            e.Property(r => r.PayloadCodec).HasColumnName(Named("PAYLOAD_CODEC")).HasMaxLength(50);
            e.Property(r => r.Timestamp).HasColumnName(Named("TIMESTAMP"));
            e.Property(r => r.Checksum).HasColumnName(Named("CHECKSUM"));
            e.HasIndex(r => new { r.Timestamp, r.Hash }).HasDatabaseName(Named("IX_ENCRYPTED_TRANSACTION_TIME"));
        });
        modelBuilder.Entity<RawTransactionRow>(e =>
        {
            e.ToTable(Named("ENCRYPTED_RAW_TRANSACTION"));
            e.HasKey(r => r.Hash);
            e.Property(r => r.Hash).HasColumnName(Named("HASH"));
            e.Property(r => r.EncryptedKey).HasColumnName(Named("ENCRYPTED_KEY"));
            e.Property(r => r.EncryptedPayload).HasColumnName(Named("ENCRYPTED_PAYLOAD"));
            e.Property(r => r.Nonce).HasColumnName(Named("NONCE"));
            e.Property(r => r.Sender).HasColumnName(Named("SENDER"));
            e.Property(r => r.Timestamp).HasColumnName(Named("TIMESTAMP"));
            e.Property(r => r.Checksum).HasColumnName(Named("CHECKSUM"));
        });
        modelBuilder.Entity<ParticipationRow>(e =>
        {
            e.ToTable(Named("PARTICIPATION"));
            e.HasKey(r => r.Seq);
            e.Property(r => r.Seq).HasColumnName(Named("SEQ")).ValueGeneratedOnAdd();
            e.Property(r => r.Hash).HasColumnName(Named("HASH"));
            e.Property(r => r.OwnKey).HasColumnName(Named("OWN_KEY"));
            e.Property(r => r.Role).HasColumnName(Named("ROLE"));
            e.Property(r => r.Checksum).HasColumnName(Named("CHECKSUM"));
            e.HasIndex(r => new { r.Hash, r.OwnKey, r.Role }).IsUnique().HasDatabaseName(Named("IX_PARTICIPATION_HASH"));
        });
        modelBuilder.Entity<MetadataRow>(e =>
        {
            e.ToTable(Named("METADATA"));
            e.HasKey(r => r.Name);
            e.Property(r => r.Name).HasColumnName(Named("NAME")).HasMaxLength(100);
            e.Property(r => r.Value).HasColumnName(Named("VALUE"));
        });
    }
}
