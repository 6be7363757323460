using System.Globalization;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Storage.Model;
using QuorumMesh.TxManager.Storage.Writing;

namespace QuorumMesh.TxManager.Storage;

/// <content>
/// Which key is pinned to which identity. Without checksums: a row that was changed refuses its key, and is told as any other claim.
/// </content>
public sealed partial class PayloadStore
{
    private const string AllPins = "SELECT PUBLIC_KEY, IDENTITY, STATE, SUCCESSOR, SINCE FROM KEY_PIN";
    private const string AllSerials = "SELECT IDENTITY, SERIAL FROM PEER_IDENTITY";
    private const string AllAccepted = "SELECT VALUE FROM METADATA WHERE NAME LIKE @p0";
    private const string FindMetadata = "SELECT VALUE FROM METADATA WHERE NAME = @p0";

    /// <inheritdoc/>
    public async Task<KnownIdentities> IdentitiesAsync(CancellationToken cancel)
    {
        var pins = await _reader.ListAsync(AllPins, cancel).ConfigureAwait(false);
        var serials = await _reader.ListAsync(AllSerials, cancel).ConfigureAwait(false);
        var accepted = await _reader.ListAsync(AllAccepted, cancel, MetadataRow.Accepted + "%").ConfigureAwait(false);
        return new KnownIdentities(
            [.. pins.Select(PinOrNull).OfType<KeyPin>()],
            serials.Where(r => r[0] is byte[] { Length: > 0 and <= PublicKey.MaxSize })
                .ToDictionary(r => new PublicKey((byte[])r[0]!), r => Number(r[1])))
        {
            Accepted = accepted.Select(r => ((string)r[0]!).Split(' ')).Where(words => words.Length == 2 && KeyOf(words[1]) is not null)
                .ToDictionary(words => KeyOf(words[1])!, words => Serial(words[0])),
        };
    }

    /// <inheritdoc/>
    public Task SavePinsAsync(PublicKey identity, long serial, IReadOnlyList<KeyPin> pins, CancellationToken cancel) =>
        _writer.WriteAsync(new SavePins(identity, serial, pins));

    /// <inheritdoc/>
    public Task<bool> ForgetPinAsync(PublicKey key, CancellationToken cancel) => _writer.WriteAsync(new ForgetPin(key));

    /// <inheritdoc/>
    public Task AcceptPinAsync(KeyPin pin, long serial, CancellationToken cancel) => _writer.WriteAsync(new AcceptPin(pin, serial));

    /// <inheritdoc/>
    public async Task<long> OwnSerialAsync(CancellationToken cancel) =>
        await _reader.FirstAsync(FindMetadata, cancel, MetadataRow.OwnSerial).ConfigureAwait(false) is [var value] ? Serial(value) : 0;

    /// <inheritdoc/>
    public Task SaveOwnSerialAsync(long serial, CancellationToken cancel) => _writer.WriteAsync(new SaveOwnSerial(serial));

    private static PublicKey? KeyOf(string text)
    {
        var bytes = new byte[PublicKey.MaxSize];
        return Convert.TryFromBase64String(text, bytes, out var length) && length > 0 ? new PublicKey(bytes[..length]) : null;
    }

    private static long Serial(object? value) =>
        long.TryParse(value as string, NumberStyles.None, CultureInfo.InvariantCulture, out var serial) ? serial : 0;

    /// <returns>-1 for what is no number.</returns>
    private static long Number(object? value) => value is long or int ? Convert.ToInt64(value, CultureInfo.InvariantCulture) : -1;

    private KeyPin? PinOrNull(object?[] row)
    {
        if (row is [byte[] { Length: > 0 and <= PublicKey.MaxSize } key, byte[] { Length: > 0 and <= PublicKey.MaxSize } identity, ..]
            && Number(row[2]) is >= 1 and <= 3 and var state && Number(row[4]) is >= 0 and < 253_402_300_800_000 and var since)
            return new KeyPin(new PublicKey(key), new PublicKey(identity), (AnnouncedState)state,
                row[3] is byte[] { Length: > 0 and <= PublicKey.MaxSize } successor ? new PublicKey(successor) : null,
                DateTimeOffset.FromUnixTimeMilliseconds(since));
        var name = row[0] is byte[] named ? Convert.ToBase64String(named) : "of it";
        _damage.TellOnce($"A row of KEY_PIN is damaged: the key {name} is pinned to nobody until its row is mended or deleted");
        return null;
    }
}
