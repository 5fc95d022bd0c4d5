/** An OSC message as it travels over Socket.IO: address, then arguments. */
export type OscValue = string | number | boolean;
export type Osc = [address: string, ...values: OscValue[]];
