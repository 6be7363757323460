using System.Text;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Distribution;

namespace QuorumMesh.TxManager.Rest.Q2T;

/// <summary>The members that /send and /sendsignedtx share (tessera 1.2).</summary>
internal static class SendRequest
{
    public static PrivacyOptions Privacy(JsonBody body)
    {
        var flag = body.Number("privacyFlag", 0);
        return new PrivacyOptions(flag is >= 0 and <= 3 ? (PrivacyMode)flag : PrivacyMode.StandardPrivate)
        {
            Affected = [.. body.Array("affectedContractTransactions").Select(Hash)],
            ExecutionHash = Encoding.UTF8.GetBytes(body.Text("execHash") ?? ""),
            Mandatory = body.Keys("mandatoryRecipients"),
        };
    }

    private static PayloadHash Hash(string base64) => PayloadHash.TryFromBase64(base64, out var hash) ? hash
        : throw new PrivacyException(Failure.BadRequest,
            $"affectedContractTransactions: each is base64 of the {PayloadHash.Size} bytes of a hash");
}
