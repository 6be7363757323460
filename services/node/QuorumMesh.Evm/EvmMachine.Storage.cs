using System.Runtime.CompilerServices;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

// SLOAD and SSTORE with the four pricing generations of SSTORE.
public sealed unsafe partial class EvmMachine
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    private long SloadOp(Frame f, UInt256* sp, long gas)
    {
        f.Status = EvmStatus.OutOfGas;
        if (_berlin)
        {
            gas -= f.State.WarmSlot(f.Contract, sp[-1]) ? GasPrices.ColdSlot : GasPrices.Warm;
            if (gas < 0) return gas;
        }

        // Warmth is the current state's, the value the dual one's.
        sp[-1] = Dual(f, f.Contract).GetStorage(f.Contract, sp[-1]);
        return gas;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private long SstoreOp(Frame f, UInt256* sp, long gas)
    {
        if (!MayWrite(f)) return -1;
        f.Status = EvmStatus.OutOfGas;
        IWorldState state = Dual(f, f.Contract);
        UInt256 current = state.GetStorage(f.Contract, sp[1]);
        // EIP-1283; Petersburg took it out (EIP-1716), Istanbul brought it back as EIP-2200.
        if (_fork == Fork.Constantinople || _fork >= Fork.Istanbul) gas = ChargeNetStore(f, state, sp, current, gas);
        else gas = ChargePlainStore(f, current, sp[0], gas);
        if (gas >= 0 && current != sp[0]) state.SetStorage(f.Contract, sp[1], sp[0]);
        return gas;
    }

    private static long ChargePlainStore(Frame f, in UInt256 current, in UInt256 value, long gas)
    {
        if (current.IsZero && !value.IsZero) return gas - GasPrices.StorageSet;
        gas -= GasPrices.StorageReset;
        if (gas >= 0 && !current.IsZero && value.IsZero) f.State.AddRefund(GasPrices.StorageClearRefund);
        return gas;
    }

    /// <summary>
    /// EIP-1283; with Istanbul's prices and stipend guard EIP-2200; with Berlin's cold surcharge EIP-2929; London EIP-3529.
    /// </summary>
    private long ChargeNetStore(Frame f, IWorldState state, UInt256* sp, in UInt256 current, long gas)
    {
        // EIP-2200: a receiver that has no more than the stipend must not be able to write.
        if (_fork >= Fork.Istanbul && gas <= GasPrices.CallStipend) return -1;
        long noop = _berlin ? GasPrices.Warm : _fork >= Fork.Istanbul ? 800 : 200;
        long reset = GasPrices.StorageReset;
        if (_berlin)
        {
            // EIP-2929: the reset price has the cold access taken out, which is charged below where it is due.
            reset -= GasPrices.ColdSlot;
            if (f.State.WarmSlot(f.Contract, sp[1])) gas -= GasPrices.ColdSlot;
        }

        UInt256 value = sp[0];
        if (current == value) return gas - noop;
        ulong clear = _fork >= Fork.London ? GasPrices.StorageClearRefundLondon : GasPrices.StorageClearRefund;
        UInt256 original = state.GetCommittedStorage(f.Contract, sp[1]);
        if (original == current)
        {
            if (original.IsZero) return gas - GasPrices.StorageSet;
            gas -= reset;
            if (gas >= 0 && value.IsZero) f.State.AddRefund(clear);
            return gas;
        }

        gas -= noop;
        if (gas < 0) return gas;
        if (!original.IsZero)
        {
            // Cleared earlier in this transaction, and in use again: that refund is taken back (EIP-2200).
            if (current.IsZero) f.State.SubtractRefund(clear);
            else if (value.IsZero) f.State.AddRefund(clear);
        }

        // Back to what it was before the transaction: all but a warm access is given back (EIP-2200, EIP-2929).
        if (original == value) f.State.AddRefund((ulong)((original.IsZero ? GasPrices.StorageSet : reset) - noop));
        return gas;
    }
}
