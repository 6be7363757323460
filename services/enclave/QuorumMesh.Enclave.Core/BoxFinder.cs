using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;

namespace QuorumMesh.Enclave.Core;

/// <summary>Which box of a payload one of our keys opens, and with whose public key (Tessera's rules, tessera 4.5).</summary>
internal static class BoxFinder
{
    /// <returns>Null when the key is not a party as far as the listed keys tell.</returns>
    public static (byte[] Box, PublicKey Peer)? Find(EncodedPayload payload, PublicKey own)
    {
        var boxes = payload.RecipientBoxes;
        var keys = payload.RecipientKeys;
        if (boxes.Count == 0)
            return null;
        // Constellation's payloads, and what receivers stored of old, list no recipients. The one box there is is ours, or it
        // does not open (tessera 3.2).
        if (keys.Count == 0)
            return (boxes[0], payload.SenderKey);

        var position = payload.IndexOfRecipient(own);
        // With private state validation a receiver gets one box and all keys, its own first (tessera 3.4); a row of several such parts has
        // the keys with boxes first, in their order.
        if (position >= 0 && position < boxes.Count)
            return (boxes[position], payload.SenderKey);
        // To its sender, who is named behind the boxes, such a payload is as one that does not list him.
        if (position > 0 && own != payload.SenderKey)
            return (boxes[0], payload.SenderKey);

        // Old payloads do not list their sender; any recipient's box opens with the sender's private key.
        return own == payload.SenderKey ? (boxes[0], keys[0]) : null;
    }
}
