using System.Data.Common;
using System.Globalization;
using Microsoft.EntityFrameworkCore;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Integrity;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Storage.Model;
using QuorumMesh.TxManager.Storage.Reading;

namespace QuorumMesh.TxManager.Storage.Checking;

/// <param name="WithoutChecksum">Rows that have no checksum yet; of those only a payload's ciphertext could be checked.</param>
/// <param name="Gone">Participation records of payloads that are not here: deleted, or lost.</param>
public sealed record StoreCheck(long Faults, long Payloads, long Raw, long Participations, long WithoutChecksum, long Gone);

/// <summary>Reads every row of a store, without writing and one at a time.</summary>
public static class StoreVerifier
{
    /// <param name="tell">Called for each fault, named by transaction or key.</param>
    /// <exception cref="PrivacyException"><see cref="Failure.StoreUnavailable"/>: it cannot be opened, or has no schema of this
    /// version.</exception>
    public static StoreCheck Verify(StoreProvider provider, Action<string> tell)
    {
        try
        {
            using var db = provider.OpenReadOnly();
            RequireSchema(provider, db);
            db.Database.SetCommandTimeout(0);
            return new Walk(provider, db, tell).Run();
        }
        catch (Exception e) when (e is DbException or IOException or UnauthorizedAccessException)
        {
            throw new StoreReader(provider).Unavailable(e);
        }
    }

    private static void RequireSchema(StoreProvider provider, PayloadContext db)
    {
        if (db.Database.GetPendingMigrations().Any())
            throw new PrivacyException(
                Failure.StoreUnavailable,
                $"The payload store ({provider.Description}) is not one of this version: start the transaction manager on it once, "
                    + "then check it");
    }

    private sealed class Walk(StoreProvider provider, PayloadContext db, Action<string> tell)
    {
        private long _faults;
        private long _withoutChecksum;

        public StoreCheck Run()
        {
            var payloads = Rows(RowKind.Payload);
            var raw = Rows(RowKind.Raw);
            var participations = Rows(RowKind.Participation);
            Guarded("PRIVACY_GROUP", Groups);
            var gone = Guarded("PARTICIPATION", CountGone);
            Guarded("the database's structure", () =>
            {
                foreach (var fault in provider.StructureFaults(db.Database.GetDbConnection()))
                    Tell("the database: " + fault);

                return 0;
            });
            return new StoreCheck(_faults, payloads, raw, participations, _withoutChecksum, gone);
        }

        private long Rows(RowKind kind) => Guarded(StoredRows.Table(kind), () =>
        {
            long count = 0;
            using var command = db.Whole(kind, provider.TableHint).CreateDbCommand();
            using var reader = command.ExecuteReader();
            while (reader.Read())
            {
                var row = StoredRows.Read(reader);
                count++;
                _withoutChecksum += StoredRows.HasChecksum(row) ? 0 : 1;
                if (StoredRows.Fault(kind, row) is { } fault)
                    Tell($"{Name(kind, row)}: {fault}");
            }

            return count;
        });

        /// <summary>They have no checksum; what is no group any more is found.</summary>
        private long Groups()
        {
            using var command = db.Database.GetDbConnection().CreateCommand();
            command.CommandText = "SELECT ID, DATA FROM PRIVACY_GROUP";
            using var reader = command.ExecuteReader();
            while (reader.Read())
            {
                try
                {
                    PrivacyGroupCodec.Decode((byte[])reader.GetValue(1));
                }
                catch (WireFormatException e)
                {
                    Tell($"privacy group {Convert.ToBase64String((byte[])reader.GetValue(0))}: {e.Message}");
                }
            }

            return 0;
        }

        private long CountGone() => db.Participations.LongCount(p => !db.Transactions.Any(r => r.Hash == p.Hash));

        /// <summary>What the database itself cannot read is a fault like another, and the end of that table alone.</summary>
        private long Guarded(string what, Func<long> look)
        {
            try
            {
                return look();
            }
            catch (DbException e)
            {
                Tell($"{what}: cannot be read to its end: {e.Message.ReplaceLineEndings(" ")}");
                return 0;
            }
        }

        private static string Name(RowKind kind, object?[] row)
        {
            var hash = StoredRows.Hash(kind, row)?.ToBase64() ?? "(no hash)";
            return kind switch
            {
                RowKind.Payload => $"payload {hash}",
                RowKind.Raw => $"raw payload {hash}",
                _ => $"participation record {row[0]} of {hash}",
            };
        }

        private void Tell(string fault)
        {
            _faults++;
            tell(fault);
        }
    }
}
