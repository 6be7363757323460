using System.Globalization;
using System.Security.Cryptography;
using QuorumMesh.Contracts;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage.Writing;

/// <summary>Pins keys to an identity, or changes how they stand; what a later announcement said stays.</summary>
internal sealed class SavePins(PublicKey identity, long serial, IReadOnlyList<KeyPin> pins) : StoreWrite(default)
{
    protected override bool Apply(WriterSession session)
    {
        session.SaveIdentity(identity.ToArray(), serial);
        foreach (var pin in pins)
            session.SavePin(pin.Key.ToArray(), identity.ToArray(), (int)pin.State, pin.Successor?.ToArray(),
                pin.Since.ToUnixTimeMilliseconds(), serial);
        return true;
    }
}

/// <summary>A key is nobody's again.</summary>
internal sealed class ForgetPin(PublicKey key) : StoreWrite(default)
{
    protected override bool Apply(WriterSession session) => session.DeletePin(key.ToArray());
}

/// <summary>A key is an identity's by an operator's word, whosever it was.</summary>
internal sealed class AcceptPin(KeyPin pin, long serial) : StoreWrite(default)
{
    protected override bool Apply(WriterSession session)
    {
        session.DeletePin(pin.Key.ToArray());
        session.SaveIdentity(pin.Identity.ToArray(), 0);
        session.SavePin(pin.Key.ToArray(), pin.Identity.ToArray(), (int)pin.State, pin.Successor?.ToArray(),
            pin.Since.ToUnixTimeMilliseconds(), long.MaxValue);
        // A name has up to 100 characters, and a key may have more.
        session.SetMetadata(MetadataRow.Accepted + Convert.ToHexString(SHA256.HashData(pin.Key.Span)),
            string.Create(CultureInfo.InvariantCulture, $"{serial} {pin.Key.ToBase64()}"));
        return true;
    }
}

/// <summary>The serial of our own announcement. It never goes back: a manager that shares the database may have made a later one.</summary>
internal sealed class SaveOwnSerial(long serial) : StoreWrite(default)
{
    protected override bool Apply(WriterSession session)
    {
        if (!long.TryParse(session.FindMetadata(MetadataRow.OwnSerial), NumberStyles.None, CultureInfo.InvariantCulture, out var kept)
            || kept < serial)
            session.SetMetadata(MetadataRow.OwnSerial, serial.ToString(CultureInfo.InvariantCulture));
        return true;
    }
}
