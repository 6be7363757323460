using System.Globalization;
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

/// <summary>The serial of our own announcement.</summary>
internal sealed class SaveOwnSerial(long serial) : StoreWrite(default)
{
    protected override bool Apply(WriterSession session)
    {
        session.SetMetadata(MetadataRow.OwnSerial, serial.ToString(CultureInfo.InvariantCulture));
        return true;
    }
}
