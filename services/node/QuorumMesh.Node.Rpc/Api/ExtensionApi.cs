using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>quorumExtension: a private contract gets a new party (21:extension/api.go).</summary>
internal sealed class ExtensionApi(INode node, ManagementReader management, ExtensionDesk desk) : IRpcApi
{
    public void Register(RpcMethodTable table)
    {
        if (!node.Profile.Rpc.HasContractExtension) return;
        table.AddAsync("quorumExtension_extendContract", 4, ExtendAsync);
        table.AddAsync("quorumExtension_approveExtension", 3, ApproveAsync);
        table.AddAsync("quorumExtension_cancelExtension", 2, CancelAsync);
        table.Add("quorumExtension_activeExtensionContracts", 0, Active);
        table.AddAsync("quorumExtension_getExtensionStatus", 1, StatusAsync);
        if (node.Profile.Rpc.HasExtensionUuids) table.AddAsync("quorumExtension_generateExtensionApprovalUuid", 3, UuidAsync);
    }

    private async ValueTask ExtendAsync(RpcCall call)
    {
        var (contract, key, recipient) = (call.Address(0), call.Text(1), call.Address(2));
        call.Result.Value(await desk.ExtendAsync(contract, key, recipient, call.Read(3, SendTransactionArguments.Read), call.Cancellation)
            .ConfigureAwait(false));
    }

    private async ValueTask ApproveAsync(RpcCall call)
    {
        var (address, isYes) = (call.Address(0), call.Bool(1));
        call.Result.Value(await desk.VoteAsync(address, isYes, call.Read(2, SendTransactionArguments.Read), call.Cancellation)
            .ConfigureAwait(false));
    }

    private async ValueTask CancelAsync(RpcCall call)
    {
        var address = call.Address(0);
        call.Result.Value(await desk.CancelAsync(address, call.Read(1, SendTransactionArguments.Read), call.Cancellation)
            .ConfigureAwait(false));
    }

    private async ValueTask UuidAsync(RpcCall call)
    {
        var (address, signer) = (call.Address(0), call.Address(1));
        call.Result.WriteStringValue(await desk.UuidAsync(address, signer, call.Read(2, SendTransactionArguments.Read), call.Cancellation)
            .ConfigureAwait(false));
    }

    /// <summary>DONE is said where the state was taken, and not of one that was shared and refused.</summary>
    private async ValueTask StatusAsync(RpcCall call)
    {
        var address = call.Address(0);
        var isFinished = await management.IsFinishedAsync(address, call.Cancellation).ConfigureAwait(false);
        using var view = node.OpenView();
        if (isFinished && view.ExtensionBy(address) is { Refusal: { Length: > 0 } refusal })
            throw new RpcException($"the extension has ended, and this participant did not take the state: {refusal}");
        call.Result.WriteStringValue(isFinished ? "DONE"u8 : "ACTIVE"u8);
    }

    private void Active(RpcCall call)
    {
        using var view = node.OpenView();
        call.Result.WriteStartArray();
        foreach (var extension in view.Extensions.Where(e => e.IsActive)) Write(call, extension);
        call.Result.WriteEndArray();
    }

    private static void Write(RpcCall call, ContractExtension extension)
    {
        var json = call.Result;
        json.WriteStartObject();
        json.WriteString("contractExtended"u8, extension.Contract.ToString());
        json.WriteString("initiator"u8, extension.Initiator.ToString());
        json.WriteString("recipient"u8, extension.Recipient.ToString());
        json.WriteString("managementContractAddress"u8, extension.Management.ToString());
        json.WriteString("recipientPtmKey"u8, extension.RecipientKey);
        json.WriteBase64String("creationData"u8, extension.Creation);
        json.WriteEndObject();
    }
}
